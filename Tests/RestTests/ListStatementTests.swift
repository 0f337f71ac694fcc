// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import PostgresClient
import Testing

@testable import HTTPServer
@testable import Rest
@testable import Telemetry

/// A list that comes in pieces is one statement and one transaction, which end when it does.
@Suite(.serialized) struct ListStatementTests {
    private let schema = """
        CREATE TABLE api.numbers (id int PRIMARY KEY);
        INSERT INTO api.numbers SELECT n FROM generate_series(1, 10000) n;
        CREATE FUNCTION api.fragile(n api.numbers) RETURNS int STABLE LANGUAGE sql
          AS 'SELECT 1 / (9000 - $1.id)';
        CREATE FUNCTION api.squares(n int) RETURNS SETOF bigint STABLE LANGUAGE sql
          AS 'SELECT i::bigint * i FROM generate_series(1, $1) i';
        ANALYZE api.numbers;
        GRANT SELECT ON ALL TABLES IN SCHEMA api TO anon;
        """

    /// What the metrics say of all so far.
    private struct Counts: Equatable {
        var committed = 0
        var rolledBack = 0
        var abandoned = 0
        var statements = 0
        var failed = 0
        /// Of those, by division by zero.
        var divided = 0

        init(_ rest: RestHarness) {
            let text = String(decoding: rest.telemetry.exposition(as: .text), as: UTF8.self)
            let lines = text.split(separator: "\n")
            func sum(_ name: String, _ label: String = "") -> Int {
                lines.filter { $0.hasPrefix("\(name){") && $0.contains(label) }
                    .reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
            }
            let transactions = "lucarne_sql_transactions_total"
            committed = sum(transactions, #"outcome="commit""#)
            rolledBack = sum(transactions, #"outcome="rollback""#)
            abandoned = sum(transactions, #"outcome="abandoned""#)
            let duration = "db_client_operation_duration_seconds_count"
            statements = sum(duration)
            failed = statements - sum(duration, #"error_type="""#)
            divided = sum(
                duration,
                #"db_response_status_code="22012",error_type="22012""#
            )
        }

        init(_ committed: Int, _ rolledBack: Int, _ abandoned: Int, failed: Int = 0) {
            (self.committed, self.rolledBack, self.abandoned) = (committed, rolledBack, abandoned)
            statements = committed + rolledBack + abandoned
            (self.failed, divided) = (failed, failed)
        }

        static func - (after: Counts, before: Counts) -> Counts {
            var counts = after
            counts.committed -= before.committed
            counts.rolledBack -= before.rolledBack
            counts.abandoned -= before.abandoned
            counts.statements -= before.statements
            counts.failed -= before.failed
            counts.divided -= before.divided
            return counts
        }
    }

    /// That the samples add up to the layer's time and its spans', and what the spans say of rows
    /// and failures.
    private static func expectAgreement(_ trace: RequestTrace, rows: [Int], states: [String] = []) {
        let spans = (0..<trace.spanCount).map { trace.span($0) }.filter { $0.layer == .sql }
        let took = trace.waitingExemplars.map(\.value)
        #expect(took.count == rows.count && trace.statementCount == rows.count)
        #expect(took.reduce(0, +) == trace.selfNanoseconds(.sql))
        #expect(took.reduce(0, +) == spans.reduce(0) { $0 + ($1.endedAt &- $1.startedAt) })
        #expect(spans.count(where: \.failed) == states.count)
        func said(_ key: String) -> [TraceAttribute] {
            trace.attributes.filter { $0.key.description == key }
        }
        #expect(said("db.response.returned_rows").map(\.value.text) == rows.map(String.init))
        let names = said("db.query.summary")
        #expect(names.map(\.span) == said("db.response.returned_rows").map(\.span))
        let failures = said("db.response.status_code")
        #expect(failures.map(\.value.text) == states)
        #expect(failures.allSatisfy { trace.span(Int($0.span)).failed })
    }

    private final class Leaving: BodySink {
        struct Left: Error {}
        func write(_ bytes: [UInt8]) throws { throw Left() }
    }

    private static func request(_ path: String) -> Request {
        Request(.get, path, headers: ["Prefer": "count=exact"])
    }

    @Test func `one that comes whole is committed once`() async throws {
        try await RestHarness.run(schema) { rest in
            let before = Counts(rest)
            let request = Self.request("/numbers?order=id")
            let response = await rest.controller.respond(to: request)
            // The first answer was too much for one piece; what follows is not over.
            #expect(Counts(rest) - before == Counts(1, 0, 0))
            _ = try await response.collectedBody()
            #expect(Counts(rest) - before == Counts(2, 0, 0))
            Self.expectAgreement(request.trace, rows: [0, 10_000])
            let call = Request(.get, "/rpc/squares?n=4000")
            _ = try await rest.controller.respond(to: call).collectedBody()
            #expect(Counts(rest) - before == Counts(3, 0, 0))
            Self.expectAgreement(call.trace, rows: [4_000])
        }
    }

    @Test func `one that fails half-way has failed, and is rolled back`() async throws {
        try await RestHarness.run(schema) { rest in
            let before = Counts(rest)
            let rowsBefore = rest.telemetry.statementStatistics.reduce(0) { $0 + $1.rows }
            let request = Self.request("/numbers?select=id,fragile&order=id")
            let response = await rest.controller.respond(to: request)
            #expect(response.status == 200)
            await #expect(throws: Problem.self) { try await response.collectedBody() }
            #expect(Counts(rest) - before == Counts(1, 1, 0, failed: 1))
            let statistics = rest.telemetry.statementStatistics
            #expect(statistics.reduce(0) { $0 + $1.errors } == 1)
            // What came before the failure.
            let rows = Int(statistics.reduce(0) { $0 + $1.rows } - rowsBefore)
            #expect(rows > 0 && rows < 9_000)
            Self.expectAgreement(request.trace, rows: [0, rows], states: ["22012"])
        }
    }

    @Test func `one that nobody reads to its end is abandoned`() async throws {
        try await RestHarness.run(schema) { rest in
            let before = Counts(rest)
            let request = Self.request("/numbers?order=id")
            let response = await rest.controller.respond(to: request)
            guard case .stream(_, let produce) = response.body else {
                Issue.record("10,000 rows came in one piece")
                return
            }
            await #expect(throws: Leaving.Left.self) {
                try await produce(BodyWriter(Leaving()))
            }
            #expect(Counts(rest) - before == Counts(1, 0, 1))
            let rows = request.trace.attributes.last?.value.text
            Self.expectAgreement(request.trace, rows: [0, rows.flatMap { Int($0) } ?? -1])
            _ = await rest.controller.respond(to: Self.request("/numbers?order=id"))
            #expect(Counts(rest) - before == Counts(2, 0, 2))
        }
    }
}
