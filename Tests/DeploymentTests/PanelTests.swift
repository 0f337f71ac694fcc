// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

@testable import Monitoring

@Suite struct PanelTests {
    /// What is filled, its limit, and the labels that both have.
    struct Filled: Sendable {
        var panel: String
        var used: String
        var limit: String
    }

    @Test(arguments: [
        Filled(
            panel: "Pool use",
            used: #"lucarne_db_pool_connections{pool="primary",state="used","#,
            limit: #"lucarne_db_pool_connections_limit{pool="primary","#
        ),
        Filled(
            panel: "Log queue",
            used: #"lucarne_log_queue_records{sink="stdout","#,
            limit: #"lucarne_log_queue_limit_records{sink="stdout","#
        ),
        Filled(
            panel: "Series",
            used: "lucarne_metrics_series{",
            limit: "lucarne_metrics_series_limit{"
        ),
    ])
    func `an instance that is full is seen among many`(filled: Filled) throws {
        let panel = try #require(Board.all.flatMap(\.panels).first { $0.title == filled.panel })
        let question = try #require(panel.queries.first?.expression)
        let series = ["a": 9, "b": 0, "c": 0].flatMap { instance, used in
            [(filled.used, used), (filled.limit, 10)].map { name, value in
                (name + #"job="lucarne",instance="\#(instance)"}"#, "\(value)")
            }
        }
        try expect(0.9, of: "max(\(question))", series, namespace: ".*")
    }

    /// An operator gives the jobs of all namespaces one name.
    @Test(arguments: [
        ("Requests", "staging", 2.0), ("Requests", "prod|staging", 3), ("Requests", ".*", 3.5),
        ("Ready instances", "prod", 0), ("Ready instances", "staging", 1),
        ("Ready instances", ".*", 2),
    ])
    func `a namespace is looked at alone, and all with those that have none`(
        panel: String,
        namespace: String,
        value: Double
    ) throws {
        let panel = try #require(Board.all.flatMap(\.panels).first { $0.title == panel })
        let question = try #require(panel.queries.first?.expression)
        let deployments = [
            (#"namespace="prod","#, 30, 0), (#"namespace="staging","#, 60, 1), ("", 15, 1),
        ]
        let series = deployments.flatMap { label, requests, ready in
            let labels = label + #"job="lucarne",instance="a""#
            return [
                ("http_server_request_duration_seconds_count{\(labels)}", "900+\(requests)x9"),
                (#"lucarne_lifecycle_state{state="ready",\#(labels)}"#, "\(ready)x9"),
            ]
        }
        try expect(value, of: question, series, namespace: namespace)
    }

    /// What Prometheus' own engine finds, at its last sample.
    private func expect(
        _ value: Double,
        of question: String,
        _ series: [(String, String)],
        namespace: String
    ) throws {
        let question = question.replacing("$job", with: "lucarne")
            .replacing("$instance", with: ".+").replacing("$namespace", with: namespace)
            .replacing("$__rate_interval", with: "5m")
        let input = series.map { "  - {series: '\($0)', values: '\($1)'}" }
        let test = """
            tests:
            - interval: 30s
              input_series:
            \(input.joined(separator: "\n"))
              promql_expr_test:
              - {expr: '\(question)', eval_time: 4m30s, exp_samples: [{labels: '{}', value: \(value)}]}

            """
        let path = NSTemporaryDirectory() + "lucarne-panel-\(UInt64.random(in: 0 ... .max)).yml"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try test.write(toFile: path, atomically: true, encoding: .utf8)
        let run = try Command.run("/usr/bin/env", ["promtool", "test", "rules", path])
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }
}
