// SPDX-License-Identifier: Apache-2.0

/// Event loops and the queues of the threads that may block.
struct LoopMetrics: MetricSet {
    let lag: HistogramFamily
    let busy: CounterFamily
    let queueLength: [Gauge]
    let queueWait: [Histogram]

    init(_ registry: MetricRegistry) {
        lag = registry.histogram(
            "lucarne_event_loop_lag_seconds",
            "Delay between when an event loop task was due and when it ran.",
            labels: ["loop"],
            buckets: Buckets.inside,
            layer: "runtime"
        )
        busy = registry.counter(
            "lucarne_event_loop_busy_seconds_total",
            "Time each event loop was running callbacks.",
            unit: .seconds,
            labels: ["loop"],
            layer: "runtime"
        )
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
}
