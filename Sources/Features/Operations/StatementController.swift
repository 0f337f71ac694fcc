// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Telemetry

/// What the database was asked, by statement: how often, how long, how it was planned.
struct StatementController: Sendable {
    let telemetry: Telemetry

    func show(_ request: Request) -> Response {
        let statements = telemetry.statementStatistics
        let plans = Dictionary(grouping: telemetry.plans.all, by: \.summary)
        guard !request.prefers("text/html") else {
            return Response(html: page(statements, plans))
        }
        let documents = statements.map { statement in
            document(statement, plans[statement.summary] ?? [])
        }
        return Response(.object([("statements", .array(documents))]))
    }

    private func document(_ statement: StatementStatistics, _ plans: [CapturedPlan]) -> JSONValue {
        .object([
            ("summary", .string(statement.summary)),
            ("count", .integer(statement.count)),
            ("errors", .integer(statement.errors)),
            ("slow", .integer(statement.slow)),
            ("rows", .integer(statement.rows)),
            ("total_ms", .milliseconds(statement.totalNanoseconds)),
            ("p50_ms", .milliseconds(UInt64(statement.median))),
            ("p99_ms", .milliseconds(UInt64(statement.p99))),
            ("plans", .array(plans.map(document))),
        ])
    }

    private func document(_ captured: CapturedPlan) -> JSONValue {
        let plan = captured.plan
        return .object([
            ("hash", .string(TraceDocument.hexadecimal(plan.hash))),
            ("first_seen", .string(internetTime(captured.firstSeenWall))),
            ("last_seen", .string(internetTime(captured.lastSeenWall))),
            ("duration_ms", .milliseconds(captured.nanoseconds)),
            ("outline", .array(plan.outline.map(JSONValue.string))),
            ("findings", .array(plan.findings.map(JSONValue.string))),
            ("query", .string(captured.query)),
            ("explain", (try? JSONValue(parsing: Array(plan.json.utf8))) ?? .null),
            ("trace_ids", .array(captured.runs.map { .string($0.traceIDText) })),
        ])
    }

    private func page(
        _ statements: [StatementStatistics],
        _ plans: [String: [CapturedPlan]]
    ) -> String {
        let rows = statements.map { statement in
            """
            <tr><td><code>\(HTML.text(statement.summary))</code>\
            \((plans[statement.summary] ?? []).reversed().map(section).joined())\
            <td>\(statement.count)<td>\(statement.errors)<td>\(statement.slow)\
            <td>\(statement.rows)<td>\(HTML.milliseconds(statement.totalNanoseconds))\
            <td>\(HTML.milliseconds(UInt64(statement.median)))\
            <td>\(HTML.milliseconds(UInt64(statement.p99)))</tr>
            """
        }
        return HTML.page(
            "Statements",
            """
            <table class="numbers"><tr><th>Statement<th>Count<th>Errors<th>Slow<th>Rows\
            <th>Total ms<th>p50 ms<th>p99 ms</tr>
            \(rows.joined(separator: "\n"))</table>
            """
        )
    }

    private func section(_ captured: CapturedPlan) -> String {
        let findings = captured.plan.findings.map {
            "<p class=\"finding\">\(HTML.text($0))</p>"
        }
        let traces = captured.runs.suffix(4).map { run in
            let id = run.traceIDText
            return "<a href=\"/debug/traces/\(id)\"><code>\(id.prefix(8))…</code></a>"
        }
        return """
            <details><summary>plan of \(internetTime(captured.lastSeenWall)), \
            \(HTML.milliseconds(captured.nanoseconds)) ms</summary>\(findings.joined())\
            <pre>\(HTML.text(captured.plan.outline.joined(separator: "\n")))</pre>\
            <pre class="query">\(HTML.text(captured.query))</pre>\
            <p>\(traces.joined(separator: " "))</p></details>
            """
    }
}

extension CapturedPlan.Run {
    fileprivate var traceIDText: String {
        TraceDocument.hexadecimal(traceIDHigh) + TraceDocument.hexadecimal(traceIDLow)
    }
}
