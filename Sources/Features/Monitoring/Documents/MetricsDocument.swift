// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// `docs/metrics.md`: each family as it is declared, and where one looks at it.
package enum MetricsDocument {
    package static func text(
        _ families: [MetricDescription],
        boards: [Board],
        groups: [RuleGroup]
    ) -> String {
        var layers: [String] = []
        for family in families where !layers.contains(family.layer) { layers.append(family.layer) }
        let sections = layers.map { layer in
            "## \(layer)\n\n"
                + families.filter { $0.layer == layer }
                .map { entry($0, uses(of: $0, boards, groups)) }.joined(separator: "\n")
        }
        return introduction + sections.joined(separator: "\n")
    }

    private static let introduction = """
        # Metrics

        Written by `lucarne telemetry write` from the declarations in the code; a running server
        shows the same at `/metrics/catalog`. All label values that can be enumerated exist from
        the start, at 0. Families with open labels have an overflow series, `_overflow`, for what
        comes after the limit of series (`lucarne_metrics_series_limit`). Since the start, no family
        takes more than three quarters of what there was left for it.


        """

    private static func entry(_ family: MetricDescription, _ uses: [String]) -> String {
        var facts = [family.kind.rawValue]
        if family.unit != .none { facts.append("in \(family.unit.rawValue)") }
        if family.hasExemplars { facts.append("with exemplars") }
        if family.stability == .alpha { facts.append("may change") }
        var lines = ["### `\(family.name)`", "", family.help, "", facts.joined(separator: ", ")]
        let labels = family.labels.map(describe)
        if !labels.isEmpty { lines += [""] + labels }
        if !family.buckets.isEmpty {
            let bounds = family.buckets.map { "\($0)" }.joined(separator: ", ")
            lines += ["", "Buckets: \(bounds)"]
        }
        if !uses.isEmpty { lines += ["", "Used by: \(uses.joined(separator: "; "))"] }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func describe(_ label: MetricLabel) -> String {
        guard let values = label.values else { return "- `\(label.name)`: appears at run time" }
        guard !label.isConfigured else { return "- `\(label.name)`: as configured" }
        return "- `\(label.name)`: " + values.map { "`\($0)`" }.joined(separator: ", ")
    }

    private static func uses(
        of family: MetricDescription,
        _ boards: [Board],
        _ groups: [RuleGroup]
    ) -> [String] {
        let onBoards = boards.compactMap { board -> String? in
            let asks = board.panels.contains { panel in
                panel.queries.contains { $0.expression.asks(for: family) }
            }
            return asks ? "board \(board.title)" : nil
        }
        let inAlerts = groups.flatMap(\.rules).filter {
            $0.kind == .alert && $0.expression.asks(for: family)
        }.map { "[\($0.name)](runbooks/\($0.name).md)" }
        return onBoards + inAlerts
    }
}

extension String {
    fileprivate func asks(for family: MetricDescription) -> Bool {
        let names = family.kind == .histogram ? ["", "_bucket", "_sum", "_count"] : [""]
        return PromQLReading(self).selectors.contains { selector in
            names.contains { family.name + $0 == selector.name }
        }
    }
}
