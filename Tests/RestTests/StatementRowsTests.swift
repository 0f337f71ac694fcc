// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import Telemetry
import Testing

@testable import Rest

/// What telemetry calls a statement's rows are those that the client asked for, not the one that
/// PostgreSQL makes of them.
@Suite(.serialized) struct StatementRowsTests {
    private let schema = """
        CREATE DOMAIN api."text/shout" AS bytea;
        CREATE TABLE api.moons (id int PRIMARY KEY, name text);
        INSERT INTO api.moons SELECT n, 'moon ' || n FROM generate_series(1, 20) n;
        CREATE TABLE api.stars (id int);
        INSERT INTO api.stars SELECT n FROM generate_series(1, 5000) n;
        CREATE TABLE api.stones AS SELECT repeat('x', 200000) FROM generate_series(1, 60);
        CREATE FUNCTION api.brightest(first int) RETURNS SETOF api.stars STABLE LANGUAGE sql
          AS 'SELECT * FROM api.stars WHERE id <= $1';
        CREATE FUNCTION api.shout() RETURNS api."text/shout"
          LANGUAGE sql IMMUTABLE AS $$ SELECT convert_to('A', 'UTF8') $$;
        GRANT ALL ON ALL TABLES IN SCHEMA api TO anon;
        ANALYZE api.stars;
        """

    private struct Asked: Sendable {
        var method = Method.get
        var target: String
        var headers: HeaderFields = [:]
        var body = ""
        /// Of each statement.
        var rows: [Int]
    }

    private static let asked = [
        Asked(target: "/moons?select=name", rows: [20]),
        Asked(target: "/moons?limit=7", headers: ["Prefer": "count=exact"], rows: [7]),
        Asked(target: "/moons?limit=7", headers: ["Prefer": "count=planned"], rows: [7]),
        Asked(target: "/moons?id=eq.99", rows: [0]),
        Asked(target: "/moons", headers: ["Range": "5-8"], rows: [4]),
        Asked(target: "/rpc/brightest?first=6", rows: [6]),
        Asked(target: "/rpc/shout", headers: ["Accept": "text/shout"], rows: [1]),
        Asked(
            method: .patch,
            target: "/moons?id=lte.3",
            headers: ["Prefer": "return=representation"],
            body: #"{"name":"new"}"#,
            rows: [3]
        ),
        Asked(method: .delete, target: "/moons?id=gt.15", rows: [5]),
        // Asked for at first: one more than comes in one piece, which is thrown away. Then fetched.
        Asked(target: "/stars", rows: [0, 5_000]),
        Asked(target: "/stars?limit=3000", rows: [0, 3_000]),
        Asked(target: "/stars?limit=3000&offset=10", rows: [0, 3_000]),
        Asked(target: "/stars?limit=3000", headers: ["Prefer": "count=exact"], rows: [0, 3_000]),
        Asked(target: "/stars?offset=1500", headers: ["Prefer": "count=exact"], rows: [0, 3_500]),
        Asked(target: "/stars?limit=3000", headers: ["Prefer": "count=planned"], rows: [3_000]),
        // Thrown away for what they weigh.
        Asked(target: "/stones?limit=50", rows: [0, 50]),
        Asked(target: "/rpc/brightest?first=4500", rows: [4_500]),
    ]

    @Test func `rows are those of the answer`() async throws {
        try await RestHarness.run(schema) { rest in
            func totals() -> (rows: Int, count: Int) {
                rest.telemetry.statementStatistics.reduce((0, 0)) {
                    ($0.0 + Int($1.rows), $0.1 + Int($1.count))
                }
            }
            for asked in Self.asked {
                let before = totals()
                let answer = try await rest.send(
                    asked.method,
                    asked.target,
                    asked.headers,
                    body: asked.body
                )
                #expect((200..<300).contains(answer.status), "\(asked.target) \(answer.body)")
                let after = totals()
                #expect(after.rows - before.rows == asked.rows.reduce(0, +), "\(asked)")
                #expect(after.count - before.count == asked.rows.count, "\(asked)")
            }
        }
    }
}
