// SPDX-License-Identifier: Apache-2.0

/// Records made, by level and module.
struct LogRecordMetrics: MetricSet {
    private let made: [Counter]

    init(_ registry: MetricRegistry) {
        let family = registry.counter(
            "lucarne_log_records_total",
            "Log records made, written or not.",
            labels: [
                MetricLabel("level", LogLevel.allCases.map(\.label.text)),
                MetricLabel("module", LogModule.allCases.map(\.label.text)),
            ],
            layer: "logs"
        )
        made = LogLevel.allCases.flatMap { level in
            LogModule.allCases.map { family(level.label.text, $0.label.text) }
        }
    }

    func count(_ level: LogLevel, _ module: LogModule) {
        made[Int(level.rawValue) * LogModule.allCases.count + Int(module.rawValue)].add()
    }
}

/// What became of them, sink by sink: copied from the ledgers at each scrape.
struct LogSinkMetrics: Sendable {
    private let dropped: [[Counter]]
    private let writtenBytes: [Counter]
    private let written: [Counter]
    private let queued: [Gauge]
    private let queueLimit: [Gauge]
    private let flush: [Histogram]
    private let errors: [Counter]
    private let redactions: [Counter]
    let subscribers: Gauge

    init(_ registry: MetricRegistry, sinks: [String]) {
        let label = MetricLabel("sink", sinks, isConfigured: true)
        let dropped = registry.counter(
            "lucarne_log_records_dropped_total",
            "Log records not delivered, by reason. A drop is never silent.",
            labels: [label, MetricLabel("reason", LogDropReason.self)],
            layer: "logs"
        )
        self.dropped = sinks.map { sink in
            LogDropReason.allCases.map { dropped(sink, $0.rawValue) }
        }
        let bytes = registry.counter(
            "lucarne_log_written_bytes_total",
            "Log bytes written.",
            unit: .bytes,
            labels: [label],
            layer: "logs"
        )
        writtenBytes = sinks.map { bytes($0) }
        let written = registry.counter(
            "lucarne_log_records_written_total",
            "Log records delivered: made = written + queued + dropped, for each sink.",
            labels: [label],
            layer: "logs"
        )
        self.written = sinks.map { written($0) }
        let queued = registry.gauge(
            "lucarne_log_queue_records",
            "Records waiting.",
            labels: [label],
            layer: "logs"
        )
        self.queued = sinks.map { queued($0) }
        let limit = registry.gauge(
            "lucarne_log_queue_limit_records",
            "Queue capacity.",
            labels: [label],
            layer: "logs"
        )
        queueLimit = sinks.map { limit($0) }
        let flush = registry.histogram(
            "lucarne_log_flush_duration_seconds",
            "Time to write one batch.",
            labels: [label],
            buckets: Buckets.database,
            layer: "logs"
        )
        self.flush = sinks.map { flush($0) }
        let errors = registry.counter(
            "lucarne_log_sink_errors_total",
            "Failed batch writes.",
            labels: [label],
            layer: "logs"
        )
        self.errors = sinks.map { errors($0) }
        let redactions = registry.counter(
            "lucarne_log_redactions_total",
            "Values redacted.",
            labels: [MetricLabel("rule", Redaction.Rule.self)],
            layer: "logs"
        )
        self.redactions = Redaction.Rule.allCases.map { redactions($0.rawValue) }
        subscribers =
            registry.gauge("lucarne_log_tail_subscribers", "Live tail clients.", layer: "logs")()
    }

    func refresh(_ position: Int, _ ledger: LogLedger, flushes: [UInt64]) {
        for reason in LogDropReason.allCases {
            dropped[position][reason.position].set(ledger.dropped[reason] ?? 0)
        }
        writtenBytes[position].set(ledger.writtenBytes)
        written[position].set(ledger.written)
        queued[position].set(Int(ledger.queued))
        queueLimit[position].set(ledger.queueMax)
        errors[position].set(ledger.errors)
        for took in flushes { flush[position].observe(took) }
        guard position == 0 else { return }
        for (rule, count) in ledger.redactions.enumerated() { redactions[rule].set(count) }
    }
}
