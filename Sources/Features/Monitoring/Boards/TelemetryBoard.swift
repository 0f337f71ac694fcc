// SPDX-License-Identifier: Apache-2.0

private let chosen = PromQL.board

extension Board {
    static let telemetry = Board(
        name: "telemetry",
        title: "Telemetry itself",
        description: "What the observer costs and loses: logs, traces, metrics.",
        panels: [.row("Logs")] + records + [.row("Traces and metrics")] + series
    )

    private static let records: [Panel] = [
        .graph(
            "Log records",
            "Made, by level.",
            .perSecond,
            .init(chosen.rate("lucarne_log_records_total", by: "level"), "{{level}}")
        ),
        .graph(
            "Log records delivered",
            "Made = written + queued + dropped, for each sink.",
            .perSecond,
            .init(chosen.rate("lucarne_log_records_written_total", by: "sink"), "{{sink}}")
        ),
        .graph(
            "Log drops",
            "By sink and reason; should be 0, except reasons `sampled` and `rate_limited`.",
            .perSecond,
            .init(
                chosen.rate("lucarne_log_records_dropped_total", by: "sink, reason"),
                "{{sink}} {{reason}}"
            )
        ),
        .graph(
            "Log queue",
            "Records that wait, as a share of the queue's capacity; of the fullest instance.",
            .ratio,
            .init(
                "max by (sink) (" + chosen.series("lucarne_log_queue_records") + " / "
                    + chosen.series("lucarne_log_queue_limit_records") + ")",
                "{{sink}}"
            )
        ),
        .graph(
            "Log bytes",
            "Bytes written.",
            .bytesPerSecond,
            .init(chosen.rate("lucarne_log_written_bytes_total", by: "sink"), "{{sink}}")
        ),
        .graph(
            "Log errors",
            "Batches that a sink failed to write.",
            .perSecond,
            .init(chosen.rate("lucarne_log_sink_errors_total", by: "sink"), "{{sink}}")
        ),
        .graph(
            "Flush p99",
            "Time to write one batch.",
            .seconds,
            .init(
                chosen.quantile("0.99", "lucarne_log_flush_duration_seconds", by: "sink"),
                "{{sink}}"
            )
        ),
        .graph(
            "Live tail",
            "Clients that follow the log now.",
            .number,
            .init(chosen.sum("lucarne_log_tail_subscribers"), "clients")
        ),
        .graph(
            "Redactions",
            "Values redacted, by rule.",
            .perSecond,
            .init(chosen.rate("lucarne_log_redactions_total", by: "rule"), "{{rule}}")
        ),
    ]

    private static let series: [Panel] = [
        .graph(
            "Tail sampling",
            "Request traces by decision.",
            .perSecond,
            .init(chosen.rate("lucarne_spans_total", by: "decision"), "{{decision}}")
        ),
        .graph(
            "Flight recorder",
            "Traces held in memory.",
            .number,
            .init(chosen.sum("lucarne_flight_recorder_traces", by: "pool"), "{{pool}}")
        ),
        .graph(
            "Export",
            "Items exported by result.",
            .perSecond,
            .init(
                chosen.rate("lucarne_export_items_total", by: "signal, result"),
                "{{signal}} {{result}}"
            )
        ),
        .graph(
            "Export p99",
            "Time of one export request.",
            .seconds,
            .init(
                chosen.quantile("0.99", "lucarne_export_duration_seconds", by: "signal"),
                "{{signal}}"
            )
        ),
        .graph(
            "Export queue",
            "Items waiting for export.",
            .number,
            .init(chosen.sum("lucarne_export_queue_items", by: "signal"), "{{signal}}")
        ),
        .graph(
            "Series",
            "Series as a share of their limit, of the fullest instance.",
            .ratio,
            .init(
                "max (" + chosen.series("lucarne_metrics_series") + " / "
                    + chosen.series("lucarne_metrics_series_limit") + ")",
                "series"
            )
        ),
        .graph(
            "Series overflow",
            "Observations that share an overflow series, by family.",
            .perSecond,
            .init(chosen.rate("lucarne_metrics_overflow_total", by: "metric"), "{{metric}}")
        ),
        .graph(
            "Scrape p99",
            "Time to render /metrics.",
            .seconds,
            .init(
                chosen.quantile("0.99", "lucarne_metrics_scrape_duration_seconds", by: "format"),
                "{{format}}"
            )
        ),
        .graph(
            "Scrape size",
            "Bytes of the last exposition.",
            .bytes,
            .init(chosen.max("lucarne_metrics_scrape_response_bytes", by: "format"), "{{format}}")
        ),
    ]
}
