// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// From where on a request is slow for its route, whatever is slow for all of them.
///
/// A request reads one word of it; everything else is done by who samples.
final class SlowLimit: Sendable {
    /// Nanoseconds. Until enough is known of the route, no request is slow by this limit.
    private let limit = Atomic<UInt64>(.max)
    /// How many more are kept until the next sample.
    private let room = Atomic<Int>(0)
    private let outcomes: OutcomeSeries
    private let history = Mutex(LatencyHistory())

    /// After a shift every request may exceed what was known before it.
    static let keptASample = 10
    static let observationsMin: UInt64 = 200
    /// Twice of next to nothing is nothing to look into.
    static let floor: UInt64 = 10_000_000

    init(_ outcomes: OutcomeSeries) { self.outcomes = outcomes }

    fileprivate var route: String { outcomes.template }

    @inline(__always)
    func admits(_ nanoseconds: UInt64) -> Bool {
        nanoseconds >= limit.load(ordering: .relaxed) && takesRoom()
    }

    /// Looked at before it is taken, so that a flood only reads.
    @inline(never)
    private func takesRoom() -> Bool {
        guard room.load(ordering: .relaxed) > 0 else { return false }
        return room.wrappingAdd(-1, ordering: .relaxed).oldValue > 0
    }

    func sample(at now: UInt64) {
        room.store(Self.keptASample, ordering: .relaxed)
        let histograms = outcomes.histograms
        guard let layout = histograms.first?.layout else { return }
        let p99 = history.withLock { $0.p99(of: histograms, layout, at: now) }
        guard let p99 else { return limit.store(.max, ordering: .relaxed) }
        let (twice, isBeyond) = p99.multipliedReportingOverflow(by: 2)
        limit.store(isBeyond ? .max : max(twice, Self.floor), ordering: .relaxed)
    }
}

/// The limits of all routes of a registry.
final class SlowLimits: MetricSet {
    private let limits = Mutex<[SlowLimit]>([])

    init(_: MetricRegistry) {}

    var routes: Set<String> { Set(limits.withLock { $0.map(\.route) }) }

    func add(_ limit: SlowLimit) { limits.withLock { $0.append(limit) } }

    func sample(at now: UInt64) {
        for limit in limits.withLock(\.self) { limit.sample(at: now) }
    }
}

extension Telemetry {
    /// The templates of the service's routes.
    package var routes: Set<String> { registry.shared(SlowLimits.self).routes }

    /// To be called about once a second: finds out what is slow for each route.
    package func sampleSlowLimits(at now: UInt64 = uptimeNanoseconds()) {
        registry.shared(SlowLimits.self).sample(at: now)
    }
}

/// A route's latencies over the last 15 to 30 s: what its cells hold now less what they held when
/// the period before this one began.
struct LatencyHistory {
    private var before: [UInt64] = []
    private var begin: [UInt64] = []
    private var begunAt: UInt64 = 0
    private var sum: UInt64 = 0
    private var latest: UInt64?

    static let period: UInt64 = 15_000_000_000

    /// Nil where too little was seen. Without news it is the last answer, at next to no cost.
    mutating func p99(
        of histograms: [Histogram],
        _ layout: BucketLayout,
        at now: UInt64
    ) -> UInt64? {
        let sum = histograms.reduce(0) { $0 &+ $1.sum }
        guard sum > 0 else { return nil }
        let isOver = now &- begunAt >= Self.period
        guard sum != self.sum || isOver else { return latest }
        self.sum = sum
        var cells = [UInt64](repeating: 0, count: layout.cellCount)
        for histogram in histograms { histogram.cell.add(cellsTo: &cells) }
        if begin.isEmpty { (before, begin) = (cells.map { _ in 0 }, cells.map { _ in 0 }) }
        latest = Self.p99(of: cells, since: before).map(layout.index.upper(of:))
        if isOver { (before, begin, begunAt) = (begin, cells, now) }
        return latest
    }

    /// The cell in which the hundredth part that took longest begins.
    private static func p99(of cells: [UInt64], since before: [UInt64]) -> Int? {
        let changes = zip(cells, before).map { $0 &- $1 }
        let count = changes.reduce(0, &+)
        guard count >= SlowLimit.observationsMin else { return nil }
        var beyond = count / 100
        for position in changes.indices.reversed() {
            if changes[position] > beyond { return position }
            beyond -= changes[position]
        }
        return nil
    }
}

extension CellPointer {
    /// The cells of a histogram, all slots together.
    fileprivate func add(cellsTo total: inout [UInt64]) {
        var total = total.mutableSpan
        for slot in 0..<Shard.slotsUsed where load(slot: slot) > 0 {
            for position in total.indices {
                total[position] &+= load(at: 1 + position, slot: slot)
            }
        }
    }
}
