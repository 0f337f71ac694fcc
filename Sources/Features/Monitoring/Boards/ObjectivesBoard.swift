// SPDX-License-Identifier: Apache-2.0
internal import Telemetry

extension Board {
    static func objectives(_ objectives: [Objective]) -> Board {
        Board(
            name: "slo",
            title: "Objectives",
            description: "Error budgets over 30 days and how fast they burn.",
            panels: objectives.flatMap(\.panels) + [.row("As the process sees it")] + inside
        )
    }

    // The same numbers without recording rules, for as long as the process lives.
    private static let inside: [Panel] = [
        .graph(
            "Burn rate",
            "By objective and window.",
            .number,
            .init(latest("lucarne_slo_burn_ratio", "slo, slo_window"), "{{slo}} {{slo_window}}")
        ),
        .graph(
            "Error ratio",
            "By objective and window.",
            .ratio,
            .init(latest("lucarne_slo_error_ratio", "slo, slo_window"), "{{slo}} {{slo_window}}")
        ),
        .graph(
            "Budget left",
            "Share of the budget of 30 days; below 0 when it is overdrawn.",
            .ratio,
            .init(
                "min by (slo) (\(PromQL.board.series("lucarne_slo_budget_remaining_ratio")))",
                "{{slo}}"
            )
        ).signed(),
        .graph(
            "Objective",
            "The share that is promised to be good.",
            .ratio,
            .init(latest("lucarne_slo_objective_ratio", "slo"), "{{slo}}")
        ),
    ]

    private static func latest(_ name: String, _ labels: String) -> String {
        PromQL.board.max(name, by: labels)
    }
}

extension Objective {
    fileprivate var panels: [Panel] {
        [
            .row(promise),
            .stat(
                "Budget left, 30 days: \(name)",
                "Share of the error budget that is left; below 0 when it is overdrawn.",
                .ratio,
                width: 4,
                .init("1 - \(burn("30d"))", "{{namespace}} {{job}}")
            ).colored(.red, (0, .orange), (0.25, .green)),
            .stat(
                "Error ratio over 3 days: \(name)",
                "Share of requests that missed the objective.",
                .ratio,
                width: 4,
                .init(recorded("3d"), "{{namespace}} {{job}}")
            ).colored(.green, (promised.budget, .red)),
            .stat(
                "Days the budget lasts: \(name)",
                "A month's budget at the burn of the last 6 hours.",
                .number,
                width: 4,
                .init("30 / clamp_min(\(burn("6h")), 0.01)", "{{namespace}} {{job}}")
            ).colored(.red, (5, .orange), (30, .green)),
            .graph(
                "Burn rate: \(name)",
                "1 means the budget lasts exactly 30 days; a page at 14.4 over 1 h or 6 over 6 h.",
                .number,
                .init(burn("5m"), "{{namespace}} {{job}} 5m"),
                .init(burn("1h"), "{{namespace}} {{job}} 1h"),
                .init(burn("6h"), "{{namespace}} {{job}} 6h"),
                .init(burn("3d"), "{{namespace}} {{job}} 3d")
            ),
        ]
    }
}
