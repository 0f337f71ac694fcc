// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Support
import Testing

@testable import Rest

/// Lists of more rows than are held at once.
@Suite(.serialized) struct LongListTests {
    private let schema = """
        CREATE TABLE api.numbers (id int PRIMARY KEY, name text, data jsonb);
        INSERT INTO api.numbers
          SELECT n, CASE WHEN n % 3 > 0 THEN 'line
        ' || n END, jsonb_build_object('n', n) FROM generate_series(1, 5000) n;
        CREATE TABLE api.halves (id int PRIMARY KEY, number int REFERENCES api.numbers);
        INSERT INTO api.halves SELECT n, n * 2 FROM generate_series(1, 2500) n;
        CREATE FUNCTION api.fragile(n api.numbers) RETURNS int STABLE LANGUAGE sql
          AS 'SELECT 1 / (4500 - $1.id)';
        ANALYZE api.numbers;
        GRANT SELECT ON ALL TABLES IN SCHEMA api TO anon;
        """

    @Test(
        arguments: [
            ("/numbers?order=id", 200, "0-4999/*", 5_000, 1),
            ("/numbers?order=id.desc&limit=3000", 200, "0-2999/*", 3_000, 5_000),
            ("/numbers?order=id&offset=1500", 200, "1500-4999/*", 3_500, 1_501),
            ("/numbers?order=id&limit=2001&offset=10", 200, "10-2010/*", 2_001, 11),
            ("/numbers?id=gt.100&order=id&select=id,halves(id)", 200, "0-4899/*", 4_900, 101),
            ("/numbers?select=id,halves!inner(id)&order=id", 200, "0-2499/*", 2_500, 2),
            ("/numbers?order=id&limit=2000", 200, "0-1999/*", 2_000, 1),
            ("/numbers?id=eq.7", 200, "0-0/*", 1, 7),
        ]
    )
    func `a list is the same however long it is`(
        path: String,
        status: Int,
        range: String,
        rows: Int,
        first: Int
    ) async throws {
        try await RestHarness.run(schema) { rest in
            let answer = try await rest.send(.get, path)
            #expect(answer.status == status)
            #expect(answer.headers["content-range"] == range)
            #expect(answer.headers["content-type"] == "application/json; charset=utf-8")
            let json = try JSONValue(parsing: Array(answer.body.utf8))
            #expect(json.array?.count == rows)
            #expect(json[0]?["id"]?.int == first)
            // Every row is on a line of its own, as json_agg writes them.
            #expect(answer.body.ranges(of: ", \n {").count == rows - 1)
            let counted = try await rest.send(.get, path, ["Prefer": "count=exact"])
            #expect(counted.body == answer.body)
            #expect(counted.headers["content-range"]?.hasPrefix(range.dropLast()) == true)
            #expect(counted.headers["content-range"]?.hasSuffix("*") == false)
        }
    }

    @Test func `rows that fail half-way leave no body that looks whole`() async throws {
        try await RestHarness.run(schema) { rest in
            let answer = try? await rest.send(.get, "/numbers?select=id,fragile&order=id")
            #expect(answer?.status == nil)
            // Whatever the list was on is not in anyone's way.
            for _ in 0..<20 {
                let next = try await rest.send(.get, "/numbers?limit=1")
                #expect(next.status == 200)
            }
        }
    }

    @Test func `rows that fail at once are refused as ever`() async throws {
        try await RestHarness.run(schema) { rest in
            let answer = try await rest.send(.get, "/numbers?select=id,fragile&order=id.desc")
            #expect(answer.status == 400)
            #expect(answer.body.contains("22012"))
        }
    }

    @Test func `a list that nobody reads gives its session up`() async throws {
        try await RestHarness.run(schema) { rest in
            for _ in 0..<30 {
                _ = await rest.controller.respond(to: Request(.get, "/numbers"))
            }
            let short = try await rest.send(.get, "/numbers?limit=1")
            #expect(short.status == 200)
            let long = try await rest.send(.get, "/numbers")
            #expect(long.body.count > 100_000)
        }
    }
}
