// SPDX-License-Identifier: Apache-2.0

/// The story that an alert is proven with: a time in which all is well, as long a fault, and then
/// all is well again. promtool plays it to the rules that ship.
struct AlertProof: Sendable {
    struct Series: Sendable {
        var name: String
        var labels: [(String, String)]
        /// A gauge's value; what a counter grows by in a minute.
        var well: Int
        /// Nil: nothing is scraped.
        var bad: Int?
        var isCounter: Bool
        /// In a fault a counter may grow seldom, by as much each time.
        var everyMinutes = 1
    }

    var series: [Series]
    /// `$value` at the end of the fault, as the annotation prints it.
    var value = ""
    var faultMinutes = 30
    /// After those nobody hears of it any more.
    var recoveryMinutes: Int

    init(_ series: Series..., value: String = "", recoveryMinutes: Int = 20) {
        self.series = series
        self.value = value
        self.recoveryMinutes = recoveryMinutes
    }
}

extension AlertProof.Series {
    static func gauge(
        _ name: String,
        _ labels: KeyValuePairs<String, String> = [:],
        well: Int,
        bad: Int?
    ) -> Self {
        Self(name: name, labels: Array(labels), well: well, bad: bad, isCounter: false)
    }

    static func counter(
        _ name: String,
        _ labels: KeyValuePairs<String, String> = [:],
        well: Int,
        bad: Int,
        everyMinutes: Int = 1
    ) -> Self {
        Self(
            name: name,
            labels: Array(labels),
            well: well,
            bad: bad,
            isCounter: true,
            everyMinutes: everyMinutes
        )
    }

    /// As a scrape would bring it.
    var scraped: [(String, String)] {
        [("job", "lucarne"), ("instance", "lucarne-0:9464")]
            .filter { attached in !labels.contains { $0.0 == attached.0 } } + labels
    }

    /// promtool's notation, a sample a minute: `start+step x times`.
    func values(fault: Int, recovery: Int) -> String {
        guard let bad else { return "\(well)x\(fault) _x\(fault) \(well)x\(recovery - 1)" }
        guard isCounter else {
            return "\(well)x\(fault) \(bad)x\(fault - 1) \(well)x\(recovery - 1)"
        }
        // A sequence of its own for each time that it grows, if that is not each minute.
        let (length, step) = everyMinutes == 1 ? (fault, bad) : (everyMinutes, 0)
        func grown(_ minute: Int) -> Int { fault * well + (minute / everyMinutes + 1) * bad }
        let sequences = stride(from: 0, to: fault, by: length).map { minute in
            "\(grown(minute))+\(step)x\(min(length, fault - minute) - 1)"
        }
        let after = grown(fault - 1) + well
        return "0+\(well)x\(fault) \(sequences.joined(separator: " ")) "
            + "\(after)+\(well)x\(recovery - 1)"
    }
}

extension Rule {
    /// The labels of the alert that the proof brings about: what the expression leaves of the
    /// series', and the rule's own.
    fileprivate func provenLabels(_ proof: AlertProof) -> [(String, String)] {
        let kept = PromQLReading(expression).groupings
        let first = proof.series.first
        // What is not there has no labels.
        let scraped = first?.bad == nil ? [] : first?.scraped ?? []
        return labels
            + scraped.filter { kept.isEmpty ? true : kept.contains($0.0) && $0.0 != "le" }
    }

    fileprivate func expectation(_ proof: AlertProof, _ runbooks: String) -> [String] {
        let proven = provenLabels(proof)
        func flow(_ pairs: [(String, String)]) -> String {
            "{" + pairs.map { "\($0): \($1.yamlQuoted)" }.joined(separator: ", ") + "}"
        }
        let annotations = shippedAnnotations(runbooks).map { ($0, $1.filled(proven, proof.value)) }
        return [
            "    - exp_labels: \(flow(proven))", "      exp_annotations: \(flow(annotations))",
        ]
    }
}

extension RuleGroup {
    /// promtool's tests of a group's alerts: each is silent before its fault, and while that may
    /// yet pass; then it fires, and when all is well again it is silent again.
    func proofs(with recorded: [RuleGroup] = [], runbooks: String) -> String {
        let files = recorded.isEmpty ? "alerts.yml" : "recording.yml, alerts.yml"
        // Ratios over three days take their time, and theirs change slowly.
        let step = recorded.isEmpty ? "1m" : "5m"
        // Without the order promtool evaluates groups at random, and values differ by one step.
        let order = (recorded + [self]).map(\.name).joined(separator: ", ")
        let head = """
            rule_files: [\(files)]
            evaluation_interval: \(step)
            group_eval_order: [\(order)]
            tests:

            """
        let names = rules.map(\.name)
        let distinct = names.indices.filter { names.firstIndex(of: names[$0]) == $0 }
        return head
            + distinct.flatMap { proof(of: names[$0], runbooks) }.map { $0 + "\n" }.joined()
    }

    /// Rules of one name are told apart by their severity, and proven together.
    private func proof(of name: String, _ runbooks: String) -> [String] {
        let alerts = rules.filter { $0.name == name }
        guard let proof = alerts.first?.proof else { return [] }
        let recovery = alerts.compactMap(\.proof?.recoveryMinutes).max() ?? 0
        let fault = proof.faultMinutes
        let patience = alerts.map { Int($0.pending?.dropLast() ?? "0") ?? 0 }.min() ?? 0
        let input = proof.series.flatMap { series in
            let labels = series.scraped.map { "\($0)=\"\($1)\"" }.joined(separator: ",")
            return [
                "  - series: \("\(series.name){\(labels)}".yamlQuoted)",
                "    values: \(series.values(fault: fault, recovery: recovery).yamlQuoted)",
            ]
        }
        func silent(_ minute: Int) -> String {
            "  - {alertname: \(name), eval_time: \(minute)m, exp_alerts: []}"
        }
        let fires = ["  - alertname: \(name)", "    eval_time: \(2 * fault)m", "    exp_alerts:"]
        return ["- name: \(name)", "  interval: 1m", "  input_series:"] + input
            + ["  alert_rule_test:", silent(fault + patience)] + fires
            + alerts.flatMap { rule in rule.proof.map { rule.expectation($0, runbooks) } ?? [] }
            + [silent(2 * fault + recovery)]
    }
}

extension String {
    /// What Prometheus makes of an annotation's template.
    fileprivate func filled(_ labels: [(String, String)], _ value: String) -> String {
        let known = labels.reduce(self) { $0.replacing("{{ $labels.\($1.0) }}", with: $1.1) }
        return known.replacing(/\{\{ \$value[^}]*\}\}/) { _ in value }
    }
}
