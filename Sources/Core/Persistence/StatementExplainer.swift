// SPDX-License-Identifier: Apache-2.0
import EventLoop
import JSONCoding
import PostgresClient
package import Telemetry

/// Asks PostgreSQL how it runs a slow statement: over a connection of its own, one at a time,
/// without running it and without its values.
package struct StatementExplainer: Sendable {
    private let connection: String
    private let telemetry: Telemetry
    private let thread = BlockingPool(name: "explain", width: 1, waitingMax: 1)

    package init(connection: String, telemetry: Telemetry) {
        self.connection = connection
        self.telemetry = telemetry
    }

    /// To be called when the statement has ended, inside its span or with it. Returns at once.
    func ended(
        _ transaction: Transaction,
        nanoseconds: UInt64,
        span: Int8?,
        in trace: RequestTrace
    ) {
        // Almost none is: the rest of this is not for every request.
        guard telemetry.isSlowStatement(nanoseconds) else { return }
        guard let query = transaction.statements.first, Self.isPlannable(query.sql),
            let run = telemetry.planWanted(
                for: query.sql,
                nanoseconds: nanoseconds,
                span: span,
                in: trace
            )
        else { return }
        let summary = transaction.summary
        Task {
            let plan: Result<StatementPlan, PostgresFailure>
            do {
                plan = try await thread.run {
                    Result { () throws(PostgresFailure) in try explain(query, of: transaction) }
                }
            } catch {
                return telemetry.planFailed("busy", summary: summary)
            }
            switch plan {
            case .success(let plan):
                telemetry.planCaptured(plan, of: query.sql, summary: summary, run: run)
            case .failure(let failure): telemetry.planFailed("\(failure)", summary: summary)
            }
        }
    }

    private static func isPlannable(_ sql: String) -> Bool {
        let word = sql.prefix { $0.isLetter }.uppercased()
        return ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES"].contains(word)
    }

    /// The plan that holds for any values (`plan_cache_mode`, PostgreSQL §20.7.4): those of the
    /// request never leave it. Settings are the request's own, since policies plan by them.
    private func explain(
        _ query: Query,
        of transaction: Transaction
    ) throws(PostgresFailure) -> StatementPlan {
        let session = try BlockingSession(connection, timeoutSeconds: 3)
        try session.run("BEGIN READ ONLY")
        for (name, value) in transaction.settings.pairs {
            _ = try session.query("SELECT set_config($1, $2, true)", [name, value])
        }
        // Nobody waits for this, so it must not make anybody wait.
        try session.run(
            """
            SET LOCAL statement_timeout = '2s'; SET LOCAL lock_timeout = '500ms';
            SET LOCAL plan_cache_mode = force_generic_plan
            """
        )
        try session.run("PREPARE explained AS \(query.sql)")
        let nulls = Array(repeating: "NULL", count: query.parameters.count)
        let values = nulls.isEmpty ? "" : "(\(nulls.joined(separator: ", ")))"
        let rows = try session.query("EXPLAIN (VERBOSE, FORMAT JSON) EXECUTE explained\(values)")
        let reading = PlanReading(json: rows.first?.first.flatMap { $0 } ?? "[]")
        var findings: [String] = []
        for scan in reading.scans where scan.mightUseIndex {
            let columns = try session.query(Self.columns, [scan.schema, scan.relation])
            if let finding = scan.finding(columns) { findings.append(finding) }
        }
        return reading.plan(findings)
    }

    /// A relation's columns, its size, and whether an index begins with the column. Of a relation
    /// that was never analysed (-1) the size says enough.
    private static let columns = """
        SELECT a.attname,
          CASE WHEN c.reltuples < 0 THEN pg_relation_size(c.oid) / 100 ELSE c.reltuples END::bigint,
          EXISTS (SELECT FROM pg_index i
            WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = a.attnum)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE n.nspname = $1 AND c.relname = $2
        """
}
