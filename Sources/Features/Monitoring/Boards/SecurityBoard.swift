// SPDX-License-Identifier: Apache-2.0

private let chosen = PromQL.board

extension Board {
    static let security = Board(
        name: "security",
        title: "Authentication",
        description: "Who was believed, and what that cost.",
        panels: [
            .graph(
                "Decisions",
                "Authentication decisions by scheme and result.",
                .perSecond,
                .init(
                    chosen.rate("lucarne_auth_requests_total", by: "scheme, result"),
                    "{{scheme}} {{result}}"
                )
            ),
            .graph(
                "p99",
                "Time to authenticate a request.",
                .seconds,
                .init(
                    chosen.quantile("0.99", "lucarne_auth_duration_seconds", by: "scheme"),
                    "{{scheme}}"
                )
            ),
            .graph(
                "Refused",
                "Share of requests whose credential was not believed, or was missing where one is needed.",
                .ratio,
                .init(
                    chosen.rate(
                        "lucarne_auth_requests_total",
                        by: "scheme",
                        #"result!="ok""#
                    ) + " / (" + chosen.rate("lucarne_auth_requests_total", by: "scheme") + " > 0)",
                    "{{scheme}}"
                )
            ),
            .graph(
                "Token cache",
                "Look-ups of verified tokens.",
                .perSecond,
                .init(
                    chosen.rate("lucarne_auth_token_cache_lookups_total", by: "result"),
                    "{{result}}"
                )
            ),
        ]
    )
}
