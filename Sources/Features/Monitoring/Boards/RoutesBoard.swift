// SPDX-License-Identifier: Apache-2.0

private let chosen = PromQL.board
private let picked = #"http_route=~"$route""#

extension Board {
    static let routes = Board(
        name: "routes",
        title: "Routes",
        description: "Rate, errors and duration per route; pick a route.",
        panels: requests + sizes,
        picksRoute: true
    )

    private static let requests: [Panel] = [
        .graph(
            "Rate by route",
            "Requests per second by route.",
            .requestsPerSecond,
            .init(chosen.observed(Family.request, by: "http_route", picked), "{{http_route}}")
        ),
        .graph(
            "p99 by route",
            "99th percentile by route.",
            .seconds,
            .init(
                chosen.quantile("0.99", Family.request, by: "http_route", picked),
                "{{http_route}}"
            )
        ),
        .graph(
            "Problems by code",
            "Requests answered with a problem, by the problem's code.",
            .perSecond,
            .init(chosen.rate("lucarne_http_problems_total", by: "code", picked), "{{code}}")
        ),
        .graph(
            "Validation failures",
            "Requests refused before a statement ran, by the part of them that is at fault.",
            .perSecond,
            .init(
                chosen.rate("lucarne_validation_failures_total", by: "location", picked),
                "{{location}}"
            )
        ),
        .graph(
            "Self time by layer",
            "Self time per layer for the chosen routes.",
            .seconds,
            .init(
                chosen.rate("lucarne_request_layer_self_seconds_total", by: "layer", picked),
                "{{layer}}"
            )
        ).stacked(),
        .graph(
            "SQL statements per request",
            "Statements per request, on average; a rise is an N+1.",
            .number,
            .init(
                chosen.mean(of: "lucarne_sql_queries_per_request", by: "http_route", picked),
                "{{http_route}}"
            )
        ),
        .graph(
            "Aborted requests",
            "Requests without a complete response.",
            .perSecond,
            .init(
                chosen.rate("lucarne_http_request_aborts_total", by: "reason", picked),
                "{{reason}}"
            )
        ),
    ]

    private static let sizes: [Panel] = [
        .graph(
            "Request body p90",
            "Size of request bodies.",
            .bytes,
            .init(
                chosen.quantile(
                    "0.9",
                    "http_server_request_body_size_bytes",
                    by: "http_route",
                    picked
                ),
                "{{http_route}}"
            )
        ),
        .graph(
            "Response body p90",
            "Size of response bodies.",
            .bytes,
            .init(
                chosen.quantile(
                    "0.9",
                    "http_server_response_body_size_bytes",
                    by: "http_route",
                    picked
                ),
                "{{http_route}}"
            )
        ),
        .graph(
            "Time to first byte p90",
            "First byte in to first byte out.",
            .seconds,
            .init(
                chosen.quantile(
                    "0.9",
                    "lucarne_http_time_to_first_byte_seconds",
                    by: "http_route",
                    picked
                ),
                "{{http_route}}"
            )
        ),
        .graph(
            "Unexpected errors",
            "Errors nobody expected, answered with 500.",
            .perSecond,
            .init(
                chosen.rate("lucarne_panics_recovered_total", by: "http_route", picked),
                "{{http_route}}"
            )
        ),
    ]
}
