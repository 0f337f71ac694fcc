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
                "p99 per middleware, of one request in sixteen.",
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
                "Held bodies",
                "Bytes held of requests' and responses' bodies that are longer than 64 KiB.",
                .bytes,
                .init(chosen.sum("lucarne_http_held_bytes", by: "listener"), "{{listener}}")
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
            .row("Caches"),
        ] + caches
    )

    private static let caches: [Panel] = [
        .graph(
            "Cache look-ups",
            "Look-ups of plans and of verified tokens, by outcome.",
            .perSecond,
            .init(
                chosen.rate("lucarne_cache_lookups_total", by: "cache, result"),
                "{{cache}} {{result}}"
            )
        ),
        .graph(
            "Cache hits",
            "Share of look-ups that found what they looked for.",
            .ratio,
            .init(
                chosen.rate("lucarne_cache_lookups_total", by: "cache", #"result="hit""#)
                    + " / (" + chosen.rate("lucarne_cache_lookups_total", by: "cache") + " > 0)",
                "{{cache}}"
            )
        ),
        .graph(
            "Cache evictions",
            "Entries let go: for want of room, expired, or made from what was replaced.",
            .perSecond,
            .init(
                chosen.rate("lucarne_cache_evictions_total", by: "cache, reason"),
                "{{cache}} {{reason}}"
            )
        ),
        .graph(
            "Cache entries",
            "Entries held.",
            .number,
            .init(chosen.sum("lucarne_cache_entries", by: "cache"), "{{cache}}")
        ),
        .graph(
            "Cache size",
            "Bytes of the keys and texts held.",
            .bytes,
            .init(chosen.sum("lucarne_cache_resident_bytes", by: "cache"), "{{cache}}")
        ),
    ]
}
