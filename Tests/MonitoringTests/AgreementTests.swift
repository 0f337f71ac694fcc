// SPDX-License-Identifier: Apache-2.0
import Lucarne
import Support
@testable import Telemetry
import Testing

@testable import Monitoring

@Suite struct AgreementTests {
    @Test func `registry, boards, rules and runbooks speak of the same things`() {
        let findings = Agreement.shipped.findings
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test(arguments: Mutation.all)
    private func `what breaks the agreement is found`(mutation: Mutation) {
        var agreement = Agreement.shipped
        mutation.apply(&agreement)
        let findings = agreement.findings
        #expect(
            findings.contains { $0.contains(mutation.finding) },
            "\(findings.joined(separator: "\n"))"
        )
    }

    @Test func `no family can be renamed unseen`() {
        var agreement = Agreement.shipped
        let names = agreement.families.map(\.name)
        for index in agreement.families.indices { agreement.families[index].name += "_renamed" }
        let findings = agreement.findings.joined(separator: "\n")
        for name in names { #expect(findings.contains(": nothing is called \(name)"), "\(name)") }
    }

    /// One that nobody gives is always 0, and whoever reads it believes that.
    @Test func `each value of a closed label is given somewhere`() throws {
        let code = try Repository.files(in: "Sources").filter { $0.hasSuffix(".swift") }
            .map(Repository.text).joined()
        let given = Set(code.matches(of: /\.([a-z]\w*)/).map(\.1))
        var values: Set<Substring> = []
        for label in code.matches(of: /: String, EventLabel \{([^}]*)\}/) {
            for cases in label.1.matches(of: /\bcase ([a-z`].*)/) {
                let names = cases.1.split(separator: ", ").map { $0.prefix { $0 != " " } }
                values.formUnion(names.map { $0.filter { $0 != "`" }[...] })
            }
        }
        #expect(values.count > 50 && values.subtracting(given) == [])
    }

    @Test func `the list of log events is that of the code`() throws {
        let files = ["Sources/Toolkit", "Sources/Core", "Sources/Features", "Sources/App"]
            .flatMap(Repository.files)
            .filter { $0.hasSuffix(".swift") && !$0.contains("Features/Monitoring/") }
        var inCode: Set<String> = []
        for file in files {
            let text = try Repository.text(of: file)
            let named = text.matches(of: /\bevent: (?:StaticString = )?"([a-z_.]+)"/)
            inCode.formUnion(named.map { String($0.1) })
        }
        let listed = Set(LogEvent.all.map(\.name))
        #expect(inCode.subtracting(listed).isEmpty, "missing in LogEvent.swift")
        #expect(listed.subtracting(inCode).isEmpty, "in LogEvent.swift only")
    }
}

extension Agreement {
    fileprivate static let shipped = Agreement(
        families: TelemetryCommand.families,
        runbooks: Dictionary(
            uniqueKeysWithValues: ((try? Runbook.all()) ?? []).map { ($0.name, $0.text) }
        )
    )
}

/// A mistake, and the words by which it is found.
private struct Mutation: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let finding: String
    let apply: @Sendable (inout Agreement) -> Void

    init(_ name: String, _ finding: String, _ apply: @escaping @Sendable (inout Agreement) -> Void)
    {
        testDescription = name
        self.finding = finding
        self.apply = apply
    }

    static let all = [
        Mutation("a metric is renamed", "nothing is called lucarne_db_pool_waiters") {
            $0.rename("lucarne_db_pool_waiters", to: "lucarne_db_pool_waiting")
        },
        Mutation("a metric is added", "lucarne_new_total is on no panel") {
            $0.families.append(
                MetricDescription(
                    name: "lucarne_new_total",
                    kind: .counter,
                    unit: .none,
                    labels: [],
                    help: "New."
                )
            )
        },
        Mutation("a label is dropped", "has no label result") {
            $0.change("lucarne_db_pool_acquires_total") { $0.labels.removeLast() }
        },
        Mutation("a label of a legend is dropped", "grouped by decision") {
            $0.change("lucarne_spans_total") { $0.labels = [] }
        },
        Mutation("a panel is removed", "lucarne_log_redactions_total is on no panel") {
            $0.onPanels("lucarne_log_redactions_total") { panels, index in
                panels.remove(at: index)
            }
        },
        Mutation("a unit is broken", "unit ms") {
            $0.onPanels("lucarne_metrics_scrape_duration_seconds") { panels, index in
                panels[index].unit = .milliseconds
            }
        },
        Mutation("seconds become bytes", "unit s for") {
            $0.change("lucarne_metrics_scrape_duration_seconds") { $0.unit = .bytes }
        },
        Mutation("a counter is shown as it is", "without a range") {
            $0.onPanels("lucarne_spans_total") { panels, index in
                panels[index].queries[0].expression = PromQL.board.series("lucarne_spans_total")
            }
        },
        Mutation("a board's variable is forgotten", "spans_total is not limited to $namespace") {
            $0.onPanels("lucarne_spans_total") { panels, index in
                panels[index].queries[0].expression.replace("namespace=~\"$namespace\"", with: "")
            }
        },
        Mutation("recorded series of all", "rate30d is not limited to $namespace") {
            $0.onPanels("slo:sli_error:ratio_rate30d") { panels, index in
                panels[index].queries[0].expression.replace("namespace=~\"$namespace\"", with: "")
            }
        },
        Mutation("log records of all", "lucarne-logs, Errors: is not limited to $process") {
            $0.onPanels("=~\"error|critical\"}") { panels, index in
                panels[index].queries[0].expression.replace("=~\"$process\"", with: "=~\".+\"")
            }
        },
        Mutation("a legend names what is not there", "the legend's nobody") {
            $0.onPanels("lucarne_spans_total") { panels, index in
                panels[index].queries[0].legend = "{{nobody}}"
            }
        },
        Mutation("a rule is removed", "nothing is called slo:sli_error:ratio_rate1h") {
            for index in $0.groups.indices {
                $0.groups[index].rules.removeAll { $0.name == "slo:sli_error:ratio_rate1h" }
            }
        },
        Mutation("a rule watches everybody", "LucarneDown: up of every job") {
            $0.onRule("LucarneDown") { $0.expression = "up == 0" }
        },
        Mutation("a proof has a series of its own", "its proof: nothing is called lucarne_x") {
            $0.onProof(of: "LucarnePoolExhausted") { $0.series[0].name = "lucarne_x" }
        },
        Mutation("a proof has a label of its own", "acquires_total has no label color") {
            $0.onProof(of: "LucarnePoolExhausted") { $0.series[0].labels = [("color", "blue")] }
        },
        Mutation("a proof has a bucket of its own", "lag_seconds_bucket has no bucket 0.25") {
            $0.onProof(of: "LucarneEventLoopLag") { $0.series[1].labels = [("le", "0.25")] }
        },
        Mutation("an alert is removed", "a runbook for LucarneDown, and no such alert") {
            for index in $0.groups.indices {
                $0.groups[index].rules.removeAll { $0.name == "LucarneDown" }
            }
        },
        Mutation("a runbook is removed", "LucarneDown has no runbook") {
            $0.runbooks["LucarneDown"] = nil
        },
        Mutation("a runbook has no mend", "the runbook has no ## Mend") {
            $0.runbooks["LucarneDown"]?.replace("## Mend\n", with: "")
        },
        Mutation("a runbook asks for a label", "lucarne_db_pool_waiters has no label color") {
            $0.runbooks["LucarneDown"]? += "```promql\nlucarne_db_pool_waiters{color=\"red\"}\n```"
        },
        Mutation("a board is removed", "there is no board lucarne-overview") {
            $0.boards.removeAll { $0.name == "overview" }
        },
    ]
}

extension Agreement {
    fileprivate mutating func change(
        _ name: String,
        _ body: (inout MetricDescription) -> Void
    ) {
        for index in families.indices where families[index].name == name {
            body(&families[index])
        }
    }

    fileprivate mutating func rename(_ name: String, to other: String) {
        change(name) { $0.name = other }
    }

    fileprivate mutating func onRule(_ name: String, _ body: (inout Rule) -> Void) {
        for group in groups.indices {
            for rule in groups[group].rules.indices where groups[group].rules[rule].name == name {
                body(&groups[group].rules[rule])
            }
        }
    }

    fileprivate mutating func onProof(of name: String, _ body: (inout AlertProof) -> Void) {
        onRule(name) { rule in
            if var proof = rule.proof {
                body(&proof)
                rule.proof = proof
            }
        }
    }

    /// At the first panel that asks for the series.
    fileprivate mutating func onPanels(
        _ name: String,
        _ body: (inout [Panel], Int) -> Void
    ) {
        for index in boards.indices {
            let found = boards[index].panels.firstIndex { panel in
                panel.queries.contains { $0.expression.contains(name) }
            }
            if let found { return body(&boards[index].panels, found) }
        }
    }
}
