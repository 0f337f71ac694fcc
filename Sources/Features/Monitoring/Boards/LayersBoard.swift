// SPDX-License-Identifier: Apache-2.0

private let chosen = PromQL.board

extension Board {
    static let layers = Board(
        name: "layers",
        title: "Layers",
        description: "Where requests spend their time, and what is refused on the way.",
        panels: [
            .graph(
                "Layer p50",
                "Median self time per layer.",
                .seconds,
                .init(
                    chosen.quantile("0.5", "lucarne_request_layer_duration_seconds", by: "layer"),
                    "{{layer}}"
                )
            ),
            .graph(
                "Layer p99",
                "p99 self time per layer.",
                .seconds,
                .init(
                    chosen.quantile("0.99", "lucarne_request_layer_duration_seconds", by: "layer"),
                    "{{layer}}"
                )
            ),
            .graph(
                "Service p99",
                "p99 of what requests ask of a service, the database's part in it.",
                .seconds,
                .init(
                    chosen.quantile(
                        "0.99",
                        "lucarne_service_operation_duration_seconds",
                        by: "service, operation"
                    ),
                    "{{service}} {{operation}}"
                )
            ),
            .graph(
                "Service failures",
                "Operations that ended in a problem, the caller's or ours.",
                .perSecond,
                .init(
                    chosen.observed(
                        "lucarne_service_operation_duration_seconds",
                        by: "service, operation",
                        #"outcome="error""#
                    ),
                    "{{service}} {{operation}}"
                )
            ),
            .graph(
                "Middleware p99",
                "p99 per middleware, of one request in eight.",
                .seconds,
                .init(
                    chosen.quantile(
                        "0.99",
                        "lucarne_middleware_duration_seconds",
                        by: "middleware"
                    ),
                    "{{middleware}}"
                )
            ),
            .graph(
                "Answered by middleware",
                "Requests a middleware refused itself.",
                .perSecond,
                .init(
                    chosen.rate("lucarne_middleware_rejections_total", by: "middleware, reason"),
                    "{{middleware}} {{reason}}"
                )
            ),
            .graph(
                "Connections",
                "Client connections by state.",
                .number,
                .init(
                    chosen.sum("lucarne_http_connections", by: "listener, state"),
                    "{{listener}} {{state}}"
                )
            ),
            .graph(
                "Connections opened and closed",
                "Client connections accepted, and closed by reason.",
                .perSecond,
                .init(
                    chosen.rate("lucarne_http_connections_accepted_total", by: "listener"),
                    "accepted {{listener}}"
                ),
                .init(
                    chosen.rate("lucarne_http_connections_closed_total", by: "reason"),
                    "closed {{reason}}"
                )
            ),
            .graph(
                "Parse errors",
                "Requests refused before routing.",
                .perSecond,
                .init(chosen.rate("lucarne_http_parse_errors_total", by: "reason"), "{{reason}}")
            ),
            .graph(
                "Trace context",
                "Incoming traceparent headers by outcome.",
                .perSecond,
                .init(chosen.rate("lucarne_trace_context_total", by: "result"), "{{result}}")
            ),
        ]
    )
}
