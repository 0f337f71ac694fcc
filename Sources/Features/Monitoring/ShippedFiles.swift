// SPDX-License-Identifier: Apache-2.0
internal import JSONCoding
package import Telemetry

extension Watch {
    /// All boards, for a Grafana.
    package var boardFiles: [(name: String, text: String)] {
        boards.map { ("\($0.identifier).json", $0.json.indentedText) }
    }

    /// All rules in one file: the alerts, and what they count on being recorded.
    package var ruleFile: String { RuleGroup.yaml(rules, runbooks: "docs/runbooks") }
}

/// The files that the declarations become, by their path in the repository.
package struct ShippedFiles: Sendable {
    package var contents: [(path: String, text: String)]

    /// `runbooks`: what stands before a runbook's file name in an alert, a URL or a folder.
    package init(
        _ watch: Watch = .standard,
        families: [MetricDescription],
        runbooks: String = "docs/runbooks"
    ) {
        contents = watch.boardFiles.map { ("dashboards/\($0.name)", $0.text) }
        contents += [
            ("prometheus/rules/recording.yml", Self.rules(watch.recording, runbooks)),
            ("prometheus/rules/alerts.yml", Self.rules(watch.alerting, runbooks)),
            ("deploy/kubernetes/prometheus-rule.yaml", Self.prometheusRule(watch, runbooks)),
            ("deploy/kubernetes/dashboards.yaml", Self.configMaps(watch.boards)),
            (
                "docs/metrics.md",
                MetricsDocument.text(families, boards: watch.boards, groups: watch.rules)
            ),
            ("docs/logs.md", LogsDocument.text),
        ]
        // Their series are those of a job called lucarne.
        guard watch.job == Watch.standard.job else { return }
        contents += [
            (
                "prometheus/rules/objectives_test.yml",
                Self.origin + watch.burns.proofs(with: watch.recording, runbooks: runbooks)
            ),
            (
                "prometheus/rules/alerts_test.yml",
                Self.origin + watch.operational.proofs(runbooks: runbooks)
            ),
        ]
    }

    private static let origin = """
        # SPDX-License-Identifier: Apache-2.0
        # Written by `lucarne telemetry write` from Sources/Features/Monitoring.

        """

    private static func rules(_ groups: [RuleGroup], _ runbooks: String) -> String {
        origin + RuleGroup.yaml(groups, runbooks: runbooks)
    }

    /// For the Prometheus operator, which loads rules from objects.
    private static func prometheusRule(_ watch: Watch, _ runbooks: String) -> String {
        origin + """
            apiVersion: monitoring.coreos.com/v1
            kind: PrometheusRule
            metadata:
              name: lucarne
            spec:

            """ + RuleGroup.yaml(watch.rules, runbooks: runbooks, indentation: "  ")
    }

    // One for each board: kubectl keeps what it applied in an annotation of at most 256 KiB.
    private static func configMaps(_ boards: [Board]) -> String {
        origin
            + boards.map { board in
                """
                ---
                apiVersion: v1
                kind: ConfigMap
                metadata:
                  name: \(board.identifier)-dashboard
                  labels:
                    grafana_dashboard: "1"
                data:
                  \(board.identifier).json: |-
                    \(board.json.compactText)

                """
            }.joined()
    }
}
