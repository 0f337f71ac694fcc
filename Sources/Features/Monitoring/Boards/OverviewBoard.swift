// SPDX-License-Identifier: Apache-2.0

private let chosen = PromQL.board

extension Board {
    static func overview(_ objectives: [Objective]) -> Board {
        Board(
            name: "overview",
            title: "Overview",
            description: "Golden signals, burn of the error budget and saturation at a glance.",
            panels: glance + [.row("Requests")] + requests + [burns(objectives), timeSpent]
                + [.row("Saturation")] + saturation
        )
    }

    private static func burns(_ objectives: [Objective]) -> Panel {
        .graph(
            "Error budget burn rate",
            "1 means the budget lasts exactly 30 days.",
            .number,
            objectives.map { .init($0.burn("1h"), "{{namespace}} {{job}} \($0.name) 1h") }
        )
    }

    private static let glance: [Panel] = [
        .stat(
            "Requests",
            "Requests per second.",
            .requestsPerSecond,
            .init(chosen.observed(Family.request))
        ),
        .stat(
            "5xx ratio",
            "Share of requests answered with 5xx.",
            .ratio,
            .init(
                "(" + chosen.part(of: Family.request, Family.serverErrors) + ") / ("
                    + chosen.observed(Family.request) + " > 0)"
            )
        ).colored(.green, (0.001, .orange), (0.01, .red)),
        .stat(
            "p99",
            "99th percentile of request duration.",
            .seconds,
            .init(chosen.quantile("0.99", Family.request))
        ),
        .stat(
            "Ready instances",
            "Instances in state ready.",
            .number,
            .init(chosen.sum("lucarne_lifecycle_state", #"state="ready""#) + " or vector(0)")
        ).colored(.red, (1, .green)),
        .stat(
            "Pool use",
            "Used share of the fullest instance's connection pool.",
            .ratio,
            .init(
                "max (" + chosen.series("lucarne_db_pool_connections", #"state="used""#)
                    + " / ignoring (state) " + chosen.series("lucarne_db_pool_connections_limit")
                    + ")"
            )
        ).colored(.green, (0.7, .orange), (0.9, .red)),
        .stat(
            "Logs dropped",
            "Log records dropped per second, but for those left out on purpose.",
            .perSecond,
            .init(
                chosen.rate(
                    "lucarne_log_records_dropped_total",
                    #"reason!~"sampled|rate_limited""#
                )
            )
        ).colored(.green, (1e-9, .red)),
    ]

    private static let requests: [Panel] = [
        .graph(
            "Request rate by status",
            "Requests per second by status code.",
            .requestsPerSecond,
            .init(
                chosen.observed(Family.request, by: "http_response_status_code"),
                "{{http_response_status_code}}"
            )
        ),
        .graph(
            "Latency quantiles",
            "p50, p90, p99 with exemplars that open the trace.",
            .seconds,
            .init(chosen.quantile("0.5", Family.request), "p50"),
            .init(chosen.quantile("0.9", Family.request), "p90"),
            .init(chosen.quantile("0.99", Family.request), "p99")
        ),
    ]

    private static let timeSpent = Panel.graph(
        "Where the time goes",
        "Self time per layer, seconds per second; the stack is the total request time.",
        .seconds,
        .init(chosen.rate("lucarne_request_layer_self_seconds_total", by: "layer"), "{{layer}}")
    ).stacked()

    private static let saturation: [Panel] = [
        .graph(
            "In flight",
            "Requests in flight.",
            .number,
            .init(
                chosen.sum("http_server_active_requests", by: "http_request_method"),
                "{{http_request_method}}"
            )
        ),
        .graph(
            "Event loop p99 lag",
            "How late event loop tasks run.",
            .seconds,
            .init(
                chosen.quantile("0.99", "lucarne_event_loop_lag_seconds", by: "instance, loop"),
                "{{instance}} {{loop}}"
            )
        ),
        .graph(
            "Readiness changes",
            "Readiness flips.",
            .number,
            .init(chosen.increase("lucarne_readiness_changes_total", by: "to"), "{{to}}")
        ),
        .graph(
            "Health checks",
            "1 when the check passes.",
            .yesNo,
            .init("min by (check) (\(chosen.series("lucarne_health_check_status")))", "{{check}}")
        ),
    ]
}

/// Names that several boards and rules use.
enum Family {
    static let request = "http_server_request_duration_seconds"
    static let statement = "db_client_operation_duration_seconds"
    /// Whose buckets lead to traces.
    static let withExemplars = [request, statement]
    static let serverErrors = #"http_response_status_code=~"5..""#
}
