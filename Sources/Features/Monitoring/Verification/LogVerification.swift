// SPDX-License-Identifier: Apache-2.0
internal import JSONCoding

/// Puts every shipped question about log records to a Loki, and says of each that stays empty why
/// it does.
package struct LogVerification: Sendable {
    private let ask: Verification.Ask
    /// How far back is looked, and what `$__auto` stands for.
    private let range: String
    /// The labels of Lucarne's streams; empty when there is no stream.
    private let labels: Set<String>

    package static func run(
        _ choice: Verification.Choice = Verification.Choice(),
        asking ask: @escaping Verification.Ask
    ) throws(Verification.Refusal) -> [Verification.Finding] {
        try LogVerification(choice, ask).findings
    }

    private init(
        _ choice: Verification.Choice,
        _ ask: @escaping Verification.Ask
    ) throws(Verification.Refusal) {
        self.ask = ask
        range = choice.range
        let query = [("match[]", Board.recordStreams), ("since", range)]
        let streams = try ask("/loki/api/v1/series", query).array ?? []
        labels = Set(streams.flatMap { $0.members ?? [] }.map(\.0))
    }

    private var findings: [Verification.Finding] {
        Board.all.filter { $0.source == .loki }.flatMap { board in
            let queries = board.panels.flatMap { panel in
                panel.queries.map { finding("\(board.identifier) / \(panel.title)", $0.expression) }
            }
            // What the data source's derived field makes a link of.
            let linked = Board.recordStreams + #" | trace_id!="""#
            let variables = board.variables.map { variable in
                finding(
                    "\(board.identifier) / $\(variable.name)",
                    "count by (\(variable.label)) (rate(\(variable.series)[$__auto]))"
                )
            }
            return variables + queries + [finding("\(board.identifier) / a line's trace", linked)]
        }
    }

    private func finding(_ place: String, _ expression: String) -> Verification.Finding {
        let isNumber = expression.contains("$__auto")
        let filled = expression.replacing("$__auto", with: range)
            .replacing("$environment", with: ".*")
            .replacing("$process", with: ".*")
        var finding = Verification.Finding(
            place: place,
            expression: filled,
            verdict: .data,
            reason: ""
        )
        do throws(Verification.Refusal) {
            // Records are asked for over a time, a number at a time (Loki's HTTP API, "Query logs
            // at a single point in time").
            let answer =
                isNumber
                ? try ask("/loki/api/v1/query", [("query", filled)])
                : try ask(
                    "/loki/api/v1/query_range",
                    [("query", filled), ("since", range), ("limit", "1")]
                )
            guard answer["result"]?.array?.isEmpty ?? true else { return finding }
            (finding.verdict, finding.reason) = diagnosis(of: filled)
        } catch {
            (finding.verdict, finding.reason) = (.failed, error.description)
        }
        return finding
    }

    private func diagnosis(of expression: String) -> (Verification.Verdict, String) {
        guard !labels.isEmpty else {
            return (.notPushed, "no stream \(Board.recordStreams): is LUCARNE_LOG_LOKI_URL set?")
        }
        let selector = expression.drop { $0 != "{" }.prefix { $0 != "}" }.dropFirst()
        let asked = selector.matches(of: /([a-z_]+)(=~|!~|!=|=)"/).map { String($0.1) }
        if let missing = asked.first(where: { !labels.contains($0) }) {
            return (.renamed, "the streams have no label \(missing): does another version push?")
        }
        return (.noTraffic, "no such record in \(range)")
    }
}
