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
            "Delay between when an event loop task was due and when it ran.",
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
    func lag(_ slot: Int) -> Histogram { loops.series(slot).lag }
    func busy(_ slot: Int) -> Counter { loops.series(slot).busy }
}

/// Each loop's series, made when the loop first reports.
private final class LoopSeries: Sendable {
    typealias Entry = (lag: Histogram, busy: Counter)

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
            return LoopReading(
                loop: slot - 1,
                at: now,
                busyNanoseconds: entry.busy.value,
                lateTurns: entry.lag.count,
                lagMedian: Histogram.quantile(0.5, of: [entry.lag]),
                lagP99: Histogram.quantile(0.99, of: [entry.lag])
            )
        }
    }

    func series(_ slot: Int) -> Entry {
        entries.withLock { entries in
            if let entry = entries[slot] { return entry }
            let entry = (lag: lag("\(slot - 1)"), busy: busy("\(slot - 1)"))
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
    /// Turns in which a timer fired late.
    package var lateTurns: UInt64
    /// Nanoseconds that it was late.
    package var lagMedian: Double
    package var lagP99: Double
}

extension Telemetry {
    package var loopReadings: [LoopReading] { loops.readings }
}
