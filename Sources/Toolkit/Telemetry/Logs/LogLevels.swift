// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The level of each module: read with one load, changed at run time, possibly for a while. What
/// has run out is taken back by whoever looks at the clock from time to time (`expire`), not by
/// those who ask: a level that was raised keeps them from asking.
final class LogLevels: Sendable {
    private let current: InlineAtomics
    private let temporary = Mutex<[LogModule: (until: UInt64, back: LogLevel)]>([:])
    private let earliest = Atomic<UInt64>(.max)
    /// The lowest of all: most of what is asked for is below it.
    private let lowest = Atomic<UInt8>(0)

    private final class InlineAtomics: Sendable {
        let levels = InlineArray<8, Atomic<UInt8>> { _ in Atomic(LogLevel.info.rawValue) }
    }

    init(_ configuration: LogConfiguration) {
        current = InlineAtomics()
        for module in LogModule.allCases {
            store(configuration.moduleLevels[module] ?? configuration.level, module)
        }
    }

    @inline(__always)
    func isEnabled(_ level: LogLevel, _ module: LogModule) -> Bool {
        level.rawValue >= current.levels[Int(module.rawValue)].load(ordering: .relaxed)
    }

    @inline(__always)
    func isAnyEnabled(_ level: LogLevel) -> Bool {
        level.rawValue >= lowest.load(ordering: .relaxed)
            && LogModule.allCases.contains { isEnabled(level, $0) }
    }

    func level(of module: LogModule) -> LogLevel {
        let raw = current.levels[Int(module.rawValue)].load(ordering: .relaxed)
        return LogLevel(rawValue: raw) ?? .info
    }

    func expiry(of module: LogModule) -> UInt64? { temporary.withLock { $0[module]?.until } }

    func set(_ level: LogLevel, of modules: [LogModule], forSeconds seconds: Int?) {
        temporary.withLock { temporary in
            for module in modules {
                if let seconds {
                    let until = uptimeNanoseconds() &+ UInt64(max(0, seconds)) &* 1_000_000_000
                    let back = temporary[module]?.back ?? self.level(of: module)
                    temporary[module] = (until, back)
                } else {
                    temporary[module] = nil
                }
                store(level, module)
            }
            rememberEarliest(temporary)
        }
    }

    /// Takes back what has run out; says what holds again.
    func expire() -> [(module: LogModule, level: LogLevel)] {
        let now = uptimeNanoseconds()
        guard earliest.load(ordering: .relaxed) <= now else { return [] }
        return takeBack { $1 <= now }
    }

    /// Takes back what was changed for a while, before its time.
    func restore(_ modules: [LogModule]) -> [(module: LogModule, level: LogLevel)] {
        takeBack { module, _ in modules.contains(module) }
    }

    private func takeBack(
        _ isOver: (LogModule, _ until: UInt64) -> Bool
    ) -> [(module: LogModule, level: LogLevel)] {
        temporary.withLock { temporary in
            let over = temporary.filter { isOver($0.key, $0.value.until) }
            for (module, change) in over {
                store(change.back, module)
                temporary[module] = nil
            }
            rememberEarliest(temporary)
            return over.map { ($0.key, $0.value.back) }
        }
    }

    private func rememberEarliest(_ temporary: [LogModule: (until: UInt64, back: LogLevel)]) {
        earliest.store(temporary.values.map(\.until).min() ?? .max, ordering: .relaxed)
    }

    private func store(_ level: LogLevel, _ module: LogModule) {
        current.levels[Int(module.rawValue)].store(level.rawValue, ordering: .relaxed)
        let all = LogModule.allCases.map {
            current.levels[Int($0.rawValue)].load(ordering: .relaxed)
        }
        lowest.store(all.min() ?? 0, ordering: .relaxed)
    }
}
