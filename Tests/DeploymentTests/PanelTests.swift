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
            .replacing("$job", with: "lucarne").replacing("$instance", with: ".+")
        let series = ["a": 9, "b": 0, "c": 0].flatMap { instance, used in
            [(filled.used, used), (filled.limit, 10)].map { name, value in
                let labels = #"job="lucarne",instance="\#(instance)"}"#
                return "  - {series: '\(name)\(labels)', values: '\(value)'}"
            }
        }
        let test = """
            tests:
            - input_series:
            \(series.joined(separator: "\n"))
              promql_expr_test:
              - {expr: 'max(\(question))', eval_time: 0m, exp_samples: [{labels: '{}', value: 0.9}]}

            """
        let path = NSTemporaryDirectory() + "lucarne-panel-\(UInt64.random(in: 0 ... .max)).yml"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try test.write(toFile: path, atomically: true, encoding: .utf8)
        let run = try Command.run("/usr/bin/env", ["promtool", "test", "rules", path])
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }
}
