// SPDX-License-Identifier: Apache-2.0

/// A group of Prometheus rules, evaluated in order.
package struct RuleGroup: Sendable {
    package var name: String
    /// How often it is evaluated, where that is not as often as all others.
    package var interval: String?
    package var rules: [Rule]
}

/// One rule: a series that is recorded, or an alert.
package struct Rule: Sendable {
    package enum Kind: String, Sendable { case record, alert }
    enum Severity: String { case page, ticket }

    package var kind: Kind
    package var name: String
    package var expression: String
    package var labels: [(String, String)] = []
    /// How long the condition holds before somebody is told.
    package var pending: String?
    /// How long somebody is told after it held last.
    package var keeps: String?
    package var annotations: [(String, String)] = []
    /// Of an alert: how it is seen to fire and to resolve.
    var proof: AlertProof?

    static func record(
        _ name: String,
        _ expression: String,
        _ labels: [(String, String)] = []
    ) -> Rule {
        Rule(kind: .record, name: name, expression: expression, labels: labels)
    }

    /// Each alert has a runbook of its name, a board to look at first, and a proof.
    static func alert(
        _ name: String,
        _ expression: String,
        for pending: String? = nil,
        keeps: String? = nil,
        _ severity: Severity,
        _ summary: String,
        _ description: String,
        board: String,
        _ labels: [(String, String)] = [],
        proof: AlertProof
    ) -> Rule {
        Rule(
            kind: .alert,
            name: name,
            expression: expression,
            labels: [("severity", severity.rawValue)] + labels,
            pending: pending,
            keeps: keeps,
            annotations: [
                ("summary", summary), ("description", description),
                ("dashboard", "lucarne-\(board)"),
            ],
            proof: proof
        )
    }
}
