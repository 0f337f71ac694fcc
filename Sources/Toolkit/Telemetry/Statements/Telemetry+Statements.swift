// SPDX-License-Identifier: Apache-2.0

extension Telemetry {
    package var statementStatistics: [StatementStatistics] { statements.statistics }

    package func isSlowStatement(_ nanoseconds: UInt64) -> Bool {
        configuration.isOn && nanoseconds >= configuration.slowStatementNanoseconds
    }

    /// Where a slow statement's plan belongs, when it is one to be asked for. To be asked inside
    /// the statement's span, or with it; whoever is told so keeps the trace.
    package func planWanted(
        for query: String,
        nanoseconds: UInt64,
        span: Int8? = nil,
        in trace: RequestTrace
    ) -> CapturedPlan.Run? {
        guard isSlowStatement(nanoseconds) else { return nil }
        let run = CapturedPlan.Run(
            traceIDHigh: trace.context.traceIDHigh,
            traceIDLow: trace.context.traceIDLow,
            spanID: trace.context.spanID,
            span: span ?? trace.openSpan
        )
        guard plans.shouldAsk(for: query, nanoseconds: nanoseconds, run: run) else { return nil }
        trace.isPlanned = true
        return run
    }

    package func planCaptured(
        _ plan: StatementPlan,
        of query: String,
        summary: String,
        run: CapturedPlan.Run
    ) {
        let before = plans.captured(plan, of: query, summary: summary, run: run)
        for finding in plan.findings {
            logs.write(.warning, .sql, "no index serves", event: "sql.plan_finding") { record in
                record.field("db.query.summary", summary)
                record.field("finding", finding)
            }
        }
        guard let before else { return }
        logs.write(.warning, .sql, "plan changed", event: "sql.plan_changed") { record in
            record.field("db.query.summary", summary)
            record.field("plan.before", before.outline.joined(separator: "; "))
            record.field("plan", plan.outline.joined(separator: "; "))
            record.field("trace_id", hexadecimal: run.traceIDHigh, run.traceIDLow)
        }
    }

    package func planFailed(_ reason: String, summary: String) {
        plans.failed()
        logs.write(.warning, .sql, "plan not captured", event: "sql.plan_failed") { record in
            record.field("db.query.summary", summary)
            record.field("error.message", reason)
        }
    }
}
