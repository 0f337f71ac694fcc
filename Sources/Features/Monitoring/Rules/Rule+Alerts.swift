// SPDX-License-Identifier: Apache-2.0

extension Watch {
    var operational: RuleGroup {
        RuleGroup(name: "lucarne-alerts", rules: presence + database + telemetry + resources)
    }

    private var minutes: PromQL { over("5m") }
    private var tenMinutes: PromQL { over("10m") }

    private var presence: [Rule] {
        [
            .alert(
                "LucarneAbsent",
                "absent(" + minutes.series("up") + ")",
                for: "5m",
                .page,
                "no Lucarne is scraped",
                "Prometheus has had no target of Lucarne for 5 minutes, so no other alert can fire.",
                board: "overview",
                proof: AlertProof(.gauge("up", well: 1, bad: nil))
            ),
            .alert(
                "LucarneDown",
                minutes.series("up") + " == 0",
                for: "1m",
                // In a crash loop it is there for moments; LucarneNotReady needs as long again.
                keeps: "5m",
                .page,
                "{{ $labels.instance }} is not scraped",
                "No scrape for one minute.",
                board: "overview",
                proof: AlertProof(.gauge("up", well: 1, bad: 0))
            ),
            .alert(
                "LucarneNotReady",
                minutes.max("lucarne_lifecycle_state", by: Watch.process, #"state="ready""#)
                    + " == 0",
                for: "5m",
                .page,
                "{{ $labels.instance }} is not ready",
                "Not in state ready for 5 minutes; lucarne_health_check_status says which check.",
                board: "overview",
                proof: AlertProof(
                    .gauge("lucarne_lifecycle_state", ["state": "ready"], well: 1, bad: 0)
                )
            ),
            .alert(
                "LucarneHealthCheckFailing",
                minutes.series("lucarne_health_check_status") + " == 0",
                for: "5m",
                .ticket,
                "check {{ $labels.check }} fails on {{ $labels.instance }}",
                "The health check fails for 5 minutes.",
                board: "overview",
                proof: AlertProof(
                    .gauge(
                        "lucarne_health_check_status",
                        ["check": "database", "probe": "ready"],
                        well: 1,
                        bad: 0
                    )
                )
            ),
            .alert(
                "LucarneRestarting",
                // The kubelet waits 5 minutes at last: a start in 10, if it lives as long.
                "changes(" + minutes.series("process_start_time_seconds") + "[1h]) > 4",
                keeps: "15m",
                .page,
                "{{ $labels.instance }} restarts",
                "More than four restarts in an hour.",
                board: "runtime",
                proof: AlertProof(
                    .counter("process_start_time_seconds", well: 0, bad: 60),
                    recoveryMinutes: 80
                )
            ),
            .alert(
                "LucarneConfigReloadFailed",
                minutes.series("lucarne_config_last_reload_success") + " == 0",
                for: "5m",
                .ticket,
                "the last reload failed on {{ $labels.instance }}",
                "What was loaded before is still served.",
                board: "runtime",
                proof: AlertProof(.gauge("lucarne_config_last_reload_success", well: 1, bad: 0))
            ),
        ]
    }

    private var database: [Rule] {
        [
            .alert(
                "LucarnePoolExhausted",
                acquires("2m", #"result=~"timeout|refused""#) + " / " + acquires("2m") + " > 0.01",
                for: "3m",
                .page,
                "pool {{ $labels.pool }} of {{ $labels.instance }} has no connection to give",
                "Over 1 % of acquires give up waiting for a connection, or are refused one.",
                board: "database",
                proof: AlertProof(
                    acquires("timeout", well: 6, bad: 60),
                    acquires("immediate", well: 900, bad: 600),
                    // A database that is away is another alert's.
                    acquires("unavailable", well: 300, bad: 0)
                )
            ),
            .alert(
                "LucarnePoolSaturated",
                acquires("10m", #"result="waited""#) + " / " + acquires("10m") + " > 0.1",
                for: "10m",
                .ticket,
                "over 10 % of acquires wait",
                "Pool {{ $labels.pool }} of {{ $labels.instance }} is a queue, not a pool.",
                board: "database",
                proof: AlertProof(
                    acquires("waited", well: 6, bad: 300),
                    acquires("immediate", well: 294, bad: 300),
                    // A pool that is merely being opened is not full.
                    acquires("opening", well: 300, bad: 0)
                )
            ),
            .alert(
                "LucarneSlowQueries",
                tenMinutes.rate(
                    "lucarne_sql_slow_queries_total",
                    by: Watch.deployment + ", db_query_summary"
                )
                    + " > 0.1",
                for: "10m",
                .ticket,
                "{{ $labels.db_query_summary }} is slow",
                "More than six slow runs a minute for 10 minutes.",
                board: "database",
                proof: AlertProof(
                    .counter(
                        "lucarne_sql_slow_queries_total",
                        ["db_query_summary": "SELECT planets"],
                        well: 1,
                        bad: 12
                    )
                )
            ),
            .alert(
                "LucarneRetryStorm",
                // Of each instance: the others' would hide one whose node or proxy loses them.
                minutes.rate(
                    "lucarne_sql_retries_total",
                    by: Watch.process,
                    #"reason!="shared_transaction""#
                ) + " / clamp_min("
                    + minutes.rate("lucarne_sql_transactions_total", by: Watch.process)
                    + ", 0.001) > 0.05",
                for: "10m",
                .ticket,
                "over 5 % of transactions of {{ $labels.instance }} are tried again",
                "It loses connections to the database.",
                board: "database",
                proof: AlertProof(
                    retries("connection_lost", well: 1, bad: 60),
                    // Read again because another client's read failed.
                    retries("shared_transaction", well: 60, bad: 0),
                    .counter(
                        "lucarne_sql_transactions_total",
                        ["outcome": "commit"],
                        well: 600,
                        bad: 600
                    ),
                    .counter(
                        "lucarne_sql_transactions_total",
                        ["instance": "lucarne-1:9464", "outcome": "commit"],
                        well: 5_400,
                        bad: 5_400
                    )
                )
            ),
            .alert(
                "LucarneMigrationsPending",
                minutes.max("lucarne_migrations_pending", by: Watch.deployment) + " > 0",
                for: "10m",
                .ticket,
                "{{ $value }} migrations pending",
                "The database is behind the migrations that were found.",
                board: "database",
                proof: AlertProof(.gauge("lucarne_migrations_pending", well: 0, bad: 3), value: "3")
            ),
        ]
    }

    private var telemetry: [Rule] {
        [
            .alert(
                "LucarneLogsDropped",
                // Records for a receiver that is away are given up together, every few minutes.
                over("15m").rate(
                    "lucarne_log_records_dropped_total",
                    by: Watch.deployment + ", sink, reason",
                    // Those are left out on purpose.
                    #"reason!~"sampled|rate_limited""#
                ) + " > 0",
                for: "5m",
                .ticket,
                "sink {{ $labels.sink }} drops records",
                "Reason: {{ $labels.reason }}.",
                board: "telemetry",
                proof: AlertProof(
                    .counter(
                        "lucarne_log_records_dropped_total",
                        ["sink": "loki", "reason": "sink_error"],
                        well: 0,
                        bad: 300,
                        everyMinutes: 8
                    ),
                    .counter(
                        "lucarne_log_records_dropped_total",
                        ["sink": "stdout", "reason": "rate_limited"],
                        well: 60,
                        bad: 60
                    )
                )
            ),
            .alert(
                "LucarneTelemetryExportFailing",
                tenMinutes.rate(
                    "lucarne_export_items_total",
                    by: Watch.deployment + ", signal",
                    #"result!="ok""#
                ) + " > 0",
                for: "10m",
                .ticket,
                "{{ $labels.signal }} do not arrive",
                "The OpenTelemetry receiver refuses them, is away, or is too slow.",
                board: "telemetry",
                proof: AlertProof(
                    .counter(
                        "lucarne_export_items_total",
                        ["signal": "traces", "result": "failed"],
                        well: 0,
                        bad: 60
                    ),
                    .counter(
                        "lucarne_export_items_total",
                        ["signal": "traces", "result": "ok"],
                        well: 60,
                        bad: 0
                    )
                )
            ),
            .alert(
                "LucarneCardinalityOverflow",
                over("15m").rate(
                    "lucarne_metrics_overflow_total",
                    by: Watch.deployment + ", metric"
                ) + " > 0",
                for: "15m",
                .ticket,
                "{{ $labels.metric }} reached the limit of series",
                "New label values share the overflow series.",
                board: "telemetry",
                proof: AlertProof(
                    .counter(
                        "lucarne_metrics_overflow_total",
                        ["metric": "lucarne_http_problems_total"],
                        well: 0,
                        bad: 60
                    )
                )
            ),
        ]
    }

    private var resources: [Rule] {
        [
            .alert(
                "LucarneEventLoopLag",
                "("
                    + minutes.quantile(
                        "0.99",
                        "lucarne_event_loop_lag_seconds",
                        by: Watch.process + ", loop"
                    ) + ") > 0.1",
                for: "5m",
                .ticket,
                "event loop late by {{ $value | humanizeDuration }}",
                "Something blocks event loop {{ $labels.loop }} of {{ $labels.instance }}.",
                board: "overview",
                proof: AlertProof(
                    lag("0.1", well: 600, bad: 0),
                    lag("0.5", well: 600, bad: 600),
                    lag("+Inf", well: 600, bad: 600),
                    value: "496ms"
                )
            ),
            .alert(
                "LucarneFileDescriptorsLow",
                minutes.series("process_open_fds") + " / " + minutes.series("process_max_fds")
                    + " > 0.85",
                for: "10m",
                .ticket,
                "{{ $labels.instance }} is short of file descriptors",
                "Over 85 % of what the process may open is open.",
                board: "runtime",
                proof: AlertProof(
                    .gauge("process_open_fds", well: 100, bad: 900),
                    .gauge("process_max_fds", well: 1_000, bad: 1_000)
                )
            ),
            .alert(
                "LucarneMemoryNearLimit",
                minutes.series("process_resident_memory_bytes") + " / ("
                    + minutes.series("lucarne_cgroup_memory_limit_bytes") + " > 0) > 0.9",
                for: "10m",
                .ticket,
                "{{ $labels.instance }} is near its memory limit",
                "The kernel ends the process at the limit.",
                board: "runtime",
                proof: AlertProof(
                    .gauge("process_resident_memory_bytes", well: 100, bad: 950),
                    .gauge("lucarne_cgroup_memory_limit_bytes", well: 1_000, bad: 1_000)
                )
            ),
            .alert(
                "LucarneCpuThrottled",
                "rate(" + minutes.series("lucarne_cgroup_cpu_throttled_periods_total")
                    + "[5m]) / (rate("
                    + minutes.series("lucarne_cgroup_cpu_periods_total") + "[5m]) > 0) > 0.25",
                for: "15m",
                .ticket,
                "{{ $labels.instance }} is throttled",
                "The container wants more CPU than its limit in over 25 % of the periods.",
                board: "runtime",
                proof: AlertProof(
                    .counter("lucarne_cgroup_cpu_throttled_periods_total", well: 60, bad: 300),
                    .counter("lucarne_cgroup_cpu_periods_total", well: 600, bad: 600)
                )
            ),
        ]
    }

    /// Of each instance: the acquires of those that are well would hide one that gives none.
    private func acquires(_ range: String, _ matchers: String...) -> String {
        over(range).rate("lucarne_db_pool_acquires_total", by: Watch.process + ", pool", matchers)
    }

    /// Acquires in a minute.
    private func acquires(_ result: String, well: Int, bad: Int) -> AlertProof.Series {
        let labels: KeyValuePairs = ["pool": "primary", "result": result]
        return .counter("lucarne_db_pool_acquires_total", labels, well: well, bad: bad)
    }

    private func retries(_ reason: String, well: Int, bad: Int) -> AlertProof.Series {
        .counter("lucarne_sql_retries_total", ["reason": reason], well: well, bad: bad)
    }

    /// Observations up to a bound, in a minute.
    private func lag(_ bound: String, well: Int, bad: Int) -> AlertProof.Series {
        let name = "lucarne_event_loop_lag_seconds_bucket"
        return .counter(name, ["loop": "0", "le": bound], well: well, bad: bad)
    }
}
