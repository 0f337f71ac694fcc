// SPDX-License-Identifier: Apache-2.0
import Telemetry
import Testing

@testable import Persistence

struct PlanReadingTests {
    private let scan = SequentialScan(
        schema: "public",
        relation: "crates",
        filter: "((crates.\"the label\" = $1) AND ((crates.weight)::numeric > $2))",
        rowsExpected: 1
    )

    @Test(arguments: [
        // Named: both columns are filtered by, the relation is large, no index begins with them.
        ([["the label", "200000", "f"], ["weight", "200000", "f"]], true),
        ([["the label", "200000", "f"], ["weight", "200000", "t"]], false),
        ([["the label", "9999", "f"], ["weight", "9999", "f"]], false),
        // A type's name in a cast is no column.
        ([["numeric", "200000", "f"]], false), ([], false),
    ])
    func `a sequential scan is named when an index would serve it`(
        _ columns: [[String]],
        _ isNamed: Bool
    ) {
        let finding = scan.finding(columns.map { $0.map(Optional.some) })
        #expect((finding != nil) == isNamed)
        if isNamed { #expect(finding?.contains("filters by the label, weight") == true) }
        var wide = scan
        wide.rowsExpected = 100_000
        #expect(wide.finding(columns.map { $0.map(Optional.some) }) == nil)
    }

    @Test(arguments: [
        ("(name = 'secret'::text)", "(name = '?'::text)"),
        ("(a = 'it''s' AND b = '')", "(a = '?''?' AND b = '?')"), ("(a > $1)", "(a > $1)"),
    ])
    func `no literal is kept`(_ text: String, _ masked: String) {
        #expect(PlanReading.masked(text) == masked)
    }

    @Test func `a plan is known by its shape`() {
        func plan(_ scan: String, cost: Int) -> String {
            """
            [{"Plan": {"Node Type": "Aggregate", "Total Cost": \(cost), "Output": ["a"], "Plans": [
              {"Node Type": "\(scan)", "Relation Name": "crates", "Index Name": "i",
               "Schema": "public", "Filter": "(a = 'x')", "Plan Rows": 1}]}}]
            """
        }
        let first = PlanReading(json: plan("Index Scan", cost: 1)).plan([])
        #expect(first.outline == ["Aggregate", "  Index Scan using i on crates"])
        #expect(first.hash == PlanReading(json: plan("Index Scan", cost: 2)).plan([]).hash)
        #expect(first.hash != PlanReading(json: plan("Seq Scan", cost: 1)).plan([]).hash)
        #expect(!first.json.contains("Output") && !first.json.contains("'x'"))
        #expect(PlanReading(json: plan("Seq Scan", cost: 1)).scans.count == 1)
        #expect(PlanReading(json: "nonsense").plan([]).outline.isEmpty)
    }
}
