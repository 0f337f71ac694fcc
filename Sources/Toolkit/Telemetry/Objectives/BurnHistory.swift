// SPDX-License-Identifier: Apache-2.0

/// What the counters said at a moment. They only grow, so two readings say what lay between.
package struct ObjectiveReading: Equatable, Sendable {
    /// Uptime.
    package var at: UInt64
    package var total: Double
    /// Answered with a 5xx.
    package var failed: Double
    /// Not answered within the objective's time.
    package var slow: Double

    package init(at: UInt64, total: Double = 0, failed: Double = 0, slow: Double = 0) {
        self.at = at
        self.total = total
        self.failed = failed
        self.slow = slow
    }

    func minus(_ earlier: ObjectiveReading) -> ObjectiveReading {
        ObjectiveReading(
            at: at &- earlier.at,
            total: total - earlier.total,
            failed: failed - earlier.failed,
            slow: slow - earlier.slow
        )
    }

    func bad(_ measure: ServiceObjective.Measure) -> Double {
        measure == .availability ? failed : slow
    }

    /// None where nothing was asked, as the Prometheus rules have it.
    package func errorRatio(_ measure: ServiceObjective.Measure) -> Double? {
        total > 0 ? bad(measure) / total : nil
    }
}

/// Readings of the past: all of three days, and one an hour of thirty.
package struct BurnHistory: Sendable {
    private var recent: ReadingRing
    private var old: ReadingRing

    package static let period: UInt64 = 30_000_000_000
    private static let hour: UInt64 = 3_600_000_000_000
    package static let budgetWindow: UInt64 = 30 * 24 * hour

    /// What is counted before the first reading counts as asked since then.
    package init(since first: ObjectiveReading) {
        // One more than fits into the window: its beginning lies between two.
        recent = ReadingRing(max: Int(BurnWindow.days3.nanoseconds / Self.period) + 2)
        old = ReadingRing(max: Int(Self.budgetWindow / Self.hour) + 2)
        record(first)
    }

    package mutating func record(_ reading: ObjectiveReading) {
        recent.append(reading)
        guard let last = old.last, reading.at &- last.at < Self.hour else {
            return old.append(reading)
        }
    }

    /// What happened in the window that ends with `now`; in all there is, where that is less.
    package func change(over window: BurnWindow, until now: ObjectiveReading) -> ObjectiveReading {
        now.minus(recent.reading(at: now.at &- min(now.at, window.nanoseconds), before: now))
    }

    /// The same for the thirty days of the budget.
    package func budgetChange(until now: ObjectiveReading) -> ObjectiveReading {
        now.minus(old.reading(at: now.at &- min(now.at, Self.budgetWindow), before: now))
    }
}

/// The latest readings, in the order of time.
private struct ReadingRing: Sendable {
    private var readings: [ObjectiveReading] = []
    private var first = 0
    private let max: Int

    init(max: Int) { self.max = max }

    var last: ObjectiveReading? { readings.isEmpty ? nil : self[readings.count - 1] }

    private subscript(position: Int) -> ObjectiveReading {
        readings[(first + position) % readings.count]
    }

    mutating func append(_ reading: ObjectiveReading) {
        guard readings.count >= max else { return readings.append(reading) }
        readings[first] = reading
        first = (first + 1) % max
    }

    /// The counters at an instant, on the line between the two readings around it.
    func reading(at instant: UInt64, before now: ObjectiveReading) -> ObjectiveReading {
        var (low, high) = (0, readings.count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle].at <= instant { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return readings.isEmpty ? now : self[0] }
        let earlier = self[low - 1]
        let later = low < readings.count ? self[low] : now
        guard later.at > earlier.at else { return earlier }
        let share = Double(instant &- earlier.at) / Double(later.at &- earlier.at)
        func between(_ counter: KeyPath<ObjectiveReading, Double>) -> Double {
            earlier[keyPath: counter] + share
                * (later[keyPath: counter] - earlier[keyPath: counter])
        }
        return ObjectiveReading(
            at: instant,
            total: between(\.total),
            failed: between(\.failed),
            slow: between(\.slow)
        )
    }
}
