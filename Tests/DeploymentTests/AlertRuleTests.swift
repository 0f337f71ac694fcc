// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@testable import Monitoring

@Suite struct AlertRuleTests {
    private static let tests = ["objectives_test.yml", "alerts_test.yml", "rules_test.yml"]

    @Test(arguments: tests)
    func `each alert fires for its fault, and resolves after it`(file: String) throws {
        let run = try Self.promtool(file, in: "\(Repository.root)/prometheus/rules")
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }

    @Test func `other objectives have their own rules, boards and proofs`() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let written = try Command.run(
            Repository.binary.path,
            ["telemetry", "write", "--into", folder, "--slo-availability", "99.5"],
            // Which does not serve without a secret.
            environment: [
                "LUCARNE_ENVIRONMENT": "production", "LUCARNE_SLO_LATENCY": "97",
                "LUCARNE_SLO_LATENCY_THRESHOLD": "1s",
            ]
        )
        #expect(written.status == 0, "\(written.errors)")
        let rules = folder + "/prometheus/rules"
        let run = try Self.promtool("objectives_test.yml", in: rules)
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        let promised = [
            ("prometheus/rules/alerts.yml", #"{slo="availability"} > (14.4 * 0.005)"#),
            ("prometheus/rules/alerts.yml", "SLO: 97 % of requests in 1000 ms over 30 days"),
            ("prometheus/rules/recording.yml", #"le="1.0""#),
            ("prometheus/rules/recording.yml", "histogram_fraction(0, 1, "),
            ("dashboards/lucarne-slo.json", #"slo=\"latency1000ms\"} / 0.03"#),
            ("dashboards/lucarne-overview.json", #"slo=\"availability\"} / 0.005"#),
            ("deploy/kubernetes/prometheus-rule.yaml", "99.5 % of requests"),
        ]
        for (path, text) in promised {
            let file = try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
            #expect(file.contains(text), "\(path): \(text)")
        }
    }

    /// Of which a page's multiple of the budget would be more than all requests.
    @Test(arguments: ["90", "80"])
    func `low objectives are watched as well`(percentage: String) throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let written = try Command.run(
            Repository.binary.path,
            [
                "telemetry", "write", "--into", folder, "--slo-availability", percentage,
                "--slo-latency", percentage,
            ]
        )
        #expect(written.status == 0, "\(written.errors)")
        let run = try Self.promtool("objectives_test.yml", in: folder + "/prometheus/rules")
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }

    @Test func `whoever calls the job otherwise writes rules for it`() throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let written = try Command.run(
            Repository.binary.path,
            ["telemetry", "write", "--into", folder, "--job", #"api-\d|"web""#]
        )
        #expect(written.status == 0, "\(written.errors)")
        let rules = folder + "/prometheus/rules"
        let check = try Command.run(
            "/usr/bin/env",
            ["-C", rules, "promtool", "check", "rules", "alerts.yml", "recording.yml"]
        )
        #expect(check.status == 0, "\(check.output)\(check.errors)")
        let alerts = try String(contentsOfFile: rules + "/alerts.yml", encoding: .utf8)
        #expect(alerts.contains(#"up{job=~"api-\\d|\"web\""} == 0"#))
        #expect(!alerts.contains("lucarne.*"))
    }

    /// The tests that ship, played to rules that are wrong: each alert must be missed.
    @Test(arguments: [("vector(0) > 1", "got:[]"), ("vector(1)", "exp:[]")])
    func `an alert that never fires or never resolves is found`(
        expression: String,
        finding: String
    ) throws {
        let folder = try Self.folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        var groups = RuleGroup.alerting
        for index in groups.indices {
            for rule in groups[index].rules.indices {
                groups[index].rules[rule].expression = expression
            }
        }
        let wrong = [
            "alerts.yml": RuleGroup.yaml(groups, runbooks: "docs/runbooks"),
            "recording.yml": RuleGroup.yaml(
                RuleGroup.recording.map { RuleGroup(name: $0.name, rules: []) },
                runbooks: ""
            ),
        ]
        for (name, text) in wrong {
            try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
        }
        var missed = ""
        for file in Self.tests.prefix(2) {
            try FileManager.default.copyItem(
                atPath: "\(Repository.root)/prometheus/rules/\(file)",
                toPath: "\(folder)/\(file)"
            )
            let run = try Self.promtool(file, in: folder)
            #expect(run.status != 0)
            missed += run.output + run.errors
        }
        let failures = missed.replacing(/\s+/, with: { _ in " " }).split(separator: "alertname: ")
        for alert in groups.flatMap(\.rules) {
            let own = failures.filter { $0.hasPrefix(alert.name + ",") }
            #expect(own.contains { $0.contains(finding) }, "\(alert.name): \(own)")
        }
    }

    private static func folder() throws -> String {
        let folder = NSTemporaryDirectory() + "lucarne-rules-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: folder,
            withIntermediateDirectories: true
        )
        return folder
    }

    private static func promtool(_ file: String, in folder: String) throws -> Command {
        try Command.run("/usr/bin/env", ["-C", folder, "promtool", "test", "rules", file])
    }
}
