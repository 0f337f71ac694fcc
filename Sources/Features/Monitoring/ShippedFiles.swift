// SPDX-License-Identifier: Apache-2.0
internal import JSONCoding
package import Telemetry

extension Board {
    /// All boards, for a Grafana.
    package static var files: [(name: String, text: String)] {
        all.map { ("\($0.identifier).json", $0.json.indentedText) }
    }
}

extension RuleGroup {
    /// All rules in one file: the alerts, and what they count on being recorded.
    package static var file: String { yaml(all, runbooks: "docs/runbooks") }
}

/// The files that the declarations become, by their path in the repository.
package struct ShippedFiles: Sendable {
    package var contents: [(path: String, text: String)]

    /// `runbooks`: what stands before a runbook's file name in an alert, a URL or a folder.
    package init(families: [MetricDescription], runbooks: String = "docs/runbooks") {
        contents = Board.files.map { ("dashboards/\($0.name)", $0.text) }
        contents += [
            ("prometheus/rules/recording.yml", Self.rules(RuleGroup.recording, runbooks)),
            ("prometheus/rules/alerts.yml", Self.rules(RuleGroup.alerting, runbooks)),
            (
                "prometheus/rules/objectives_test.yml",
                Self.origin + Rule.burns.proofs(with: RuleGroup.recording, runbooks: runbooks)
            ),
            (
                "prometheus/rules/alerts_test.yml",
                Self.origin + Rule.operational.proofs(runbooks: runbooks)
            ),
            ("deploy/kubernetes/prometheus-rule.yaml", Self.prometheusRule(runbooks)),
            ("deploy/kubernetes/dashboards.yaml", Self.configMaps),
            ("docs/metrics.md", MetricsDocument.text(families)),
            ("docs/logs.md", LogsDocument.text),
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
    private static func prometheusRule(_ runbooks: String) -> String {
        origin + """
            apiVersion: monitoring.coreos.com/v1
            kind: PrometheusRule
            metadata:
              name: lucarne
            spec:

            """ + RuleGroup.yaml(RuleGroup.all, runbooks: runbooks, indentation: "  ")
    }

    // One for each board: kubectl keeps what it applied in an annotation of at most 256 KiB.
    private static var configMaps: String {
        origin
            + Board.all.map { board in
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
