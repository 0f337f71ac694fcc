// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The level of each module: read with one load, changed at run time, possibly for a while.
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
        let lowest = current.levels[Int(module.rawValue)].load(ordering: .relaxed)
        guard level.rawValue >= lowest else { return false }
        guard earliest.load(ordering: .relaxed) != .max else { return true }
        return level >= self.level(of: module)
    }

    @inline(__always)
    func isAnyEnabled(_ level: LogLevel) -> Bool {
        level.rawValue >= lowest.load(ordering: .relaxed)
            && LogModule.allCases.contains { isEnabled(level, $0) }
    }

    /// What holds now: a temporary level that has run out is taken back first.
    func level(of module: LogModule) -> LogLevel {
        expire()
        let raw = current.levels[Int(module.rawValue)].load(ordering: .relaxed)
        return LogLevel(rawValue: raw) ?? .info
    }

    func expiry(of module: LogModule) -> UInt64? { temporary.withLock { $0[module]?.until } }

    func set(_ level: LogLevel, of modules: [LogModule], forSeconds seconds: Int?) {
        expire()
        temporary.withLock { temporary in
            for module in modules {
                if let seconds {
                    let until = uptimeNanoseconds() &+ UInt64(max(0, seconds)) &* 1_000_000_000
                    let raw = current.levels[Int(module.rawValue)].load(ordering: .relaxed)
                    let back = temporary[module]?.back ?? LogLevel(rawValue: raw) ?? .info
                    temporary[module] = (until, back)
                } else {
                    temporary[module] = nil
                }
                store(level, module)
            }
            rememberEarliest(temporary)
        }
    }

    private func expire() {
        guard earliest.load(ordering: .relaxed) <= uptimeNanoseconds() else { return }
        temporary.withLock { temporary in
            let now = uptimeNanoseconds()
            for (module, change) in temporary where change.until <= now {
                store(change.back, module)
                temporary[module] = nil
            }
            rememberEarliest(temporary)
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
