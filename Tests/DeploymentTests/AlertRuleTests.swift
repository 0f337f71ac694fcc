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

    /// The tests that ship, played to rules that are wrong: each alert must be missed.
    @Test(arguments: [("vector(0) > 1", "got:[]"), ("vector(1)", "exp:[]")])
    func `an alert that never fires or never resolves is found`(
        expression: String,
        finding: String
    ) throws {
        let folder = NSTemporaryDirectory() + "lucarne-rules-\(UInt64.random(in: 0 ... .max))"
        let files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: folder) }
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
            try files.copyItem(
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

    private static func promtool(_ file: String, in folder: String) throws -> Command {
        try Command.run("/usr/bin/env", ["-C", folder, "promtool", "test", "rules", file])
    }
}
