// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Event loops and the queues of the threads that may block.
struct LoopMetrics: MetricSet {
    let queueLength: [Gauge]
    let queueWait: [Histogram]
    private let loops: LoopSeries

    init(_ registry: MetricRegistry) {
        let lag = registry.histogram(
            "lucarne_event_loop_lag_seconds",
            "Delay between when an event loop's beat was due, ten times a second, and when it came.",
            labels: ["loop"],
            buckets: Buckets.inside,
            layer: "runtime"
        )
        let busy = registry.counter(
            "lucarne_event_loop_busy_seconds_total",
            "Time each event loop was running callbacks.",
            unit: .seconds,
            labels: ["loop"],
            layer: "runtime"
        )
        loops = LoopSeries(lag: lag, busy: busy)
        let length = registry.gauge(
            "lucarne_worker_queue_length",
            "Work items waiting for a thread.",
            labels: [MetricLabel("queue", WorkerQueue.self)],
            layer: "runtime"
        )
        queueLength = WorkerQueue.allCases.map { length($0.rawValue) }
        let wait = registry.histogram(
            "lucarne_worker_queue_wait_seconds",
            "Time a work item waited for a thread.",
            labels: [MetricLabel("queue", WorkerQueue.self)],
            buckets: Buckets.inside,
            layer: "runtime"
        )
        queueWait = WorkerQueue.allCases.map { wait($0.rawValue) }
    }

    var readings: [LoopReading] { loops.readings }
    func series(_ slot: Int) -> LoopSeries.Entry { loops.series(slot) }
}

/// Each loop's series, made when the loop first reports.
final class LoopSeries: Sendable {
    final class Entry: Sendable {
        let lag: Histogram
        let busy: Counter
        let lagMax = Atomic<UInt64>(0)

        init(lag: Histogram, busy: Counter) {
            self.lag = lag
            self.busy = busy
        }

        /// By the loop itself.
        func beat(late nanoseconds: UInt64, slot: Int) {
            lag.observe(nanoseconds, slot: slot)
            lagMax.max(nanoseconds, ordering: .relaxed)
        }
    }

    private let lag: HistogramFamily
    private let busy: CounterFamily
    private let entries = Mutex<[Entry?]>(Array(repeating: nil, count: Shard.slotsMax))

    init(lag: HistogramFamily, busy: CounterFamily) {
        self.lag = lag
        self.busy = busy
    }

    var readings: [LoopReading] {
        let now = uptimeNanoseconds()
        return entries.withLock { $0 }.enumerated().compactMap { slot, entry in
            guard let entry else { return nil }
            let lag = Distribution(of: [entry.lag])
            // Its buckets are coarse; none was later than the latest.
            let lagMax = entry.lagMax.load(ordering: .relaxed)
            return LoopReading(
                loop: slot - 1,
                at: now,
                busyNanoseconds: entry.busy.value,
                beats: lag.count,
                lagMedian: min(lag.quantile(0.5), Double(lagMax)),
                lagP99: min(lag.quantile(0.99), Double(lagMax)),
                lagMax: lagMax
            )
        }
    }

    func series(_ slot: Int) -> Entry {
        entries.withLock { entries in
            if let entry = entries[slot] { return entry }
            let entry = Entry(lag: lag("\(slot - 1)"), busy: busy("\(slot - 1)"))
            entries[slot] = entry
            return entry
        }
    }
}

/// What an event loop has done since the start.
package struct LoopReading: Sendable {
    package var loop: Int
    /// Uptime.
    package var at: UInt64
    package var busyNanoseconds: UInt64
    /// Times that it was looked how late it is.
    package var beats: UInt64
    /// Nanoseconds.
    package var lagMedian: Double
    package var lagP99: Double
    package var lagMax: UInt64
}

extension Telemetry {
    package var loopReadings: [LoopReading] { loops.readings }
}
