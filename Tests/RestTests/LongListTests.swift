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
        CREATE FUNCTION api.lines(first int) RETURNS SETOF api.numbers STABLE LANGUAGE sql
          AS 'SELECT * FROM api.numbers WHERE id >= $1 ORDER BY id';
        CREATE FUNCTION api.squares(n int) RETURNS SETOF bigint STABLE LANGUAGE sql
          AS 'SELECT nullif(i::bigint * i, 9) FROM generate_series(1, $1) i';
        CREATE FUNCTION api.tracked(n int) RETURNS SETOF text STABLE LANGUAGE plpgsql AS $$
          BEGIN
            PERFORM pg_stat_force_next_flush();
            RETURN QUERY SELECT repeat('x', 10000) || i FROM generate_series(1, n) i;
          END $$;
        CREATE FUNCTION api.tried(n int) RETURNS SETOF int[] STABLE LANGUAGE sql
          AS 'SELECT ARRAY[i, 1 / (i - 4500)] FROM generate_series(1, $1) i';
        CREATE SEQUENCE api.calls;
        CREATE FUNCTION api.counted(n int) RETURNS SETOF bigint LANGUAGE sql
          AS $$ SELECT nextval('api.calls') FROM generate_series(1, $1) $$;
        GRANT USAGE ON SEQUENCE api.calls TO anon;
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

    @Test(
        arguments: [
            (
                "/numbers?select=id,name,data&order=id",
                "application/vnd.pgrst.array+json;nulls=stripped"
            ),
            ("/numbers?select=id,name,data&order=id", "text/csv"),
            ("/numbers?select=id&order=id.desc&limit=3000", "text/csv"),
        ]
    )
    func `a list in other forms is the same too`(path: String, accepted: String) async throws {
        try await RestHarness.run(schema) { rest in
            let long = try await rest.send(.get, path, ["Accept": accepted])
            #expect(long.status == 200)
            #expect(long.headers["content-type"]?.hasPrefix(accepted) == true)
            // An estimate needs all rows at once: what one answer would have been.
            let whole = try await rest.send(
                .get,
                path,
                ["Accept": accepted, "Prefer": "count=planned"]
            )
            #expect(long.body == whole.body)
            #expect(long.body.utf8.count > 10_000)
        }
    }

    @Test(
        arguments: [
            ("/rpc/lines", #"{"first":11}"#, 4_990), ("/rpc/squares", #"{"n":4000}"#, 4_000),
            ("/rpc/lines?id=gt.4000&order=id", #"{"first":11}"#, 1_000),
            ("/rpc/lines?limit=2500", #"{"first":11}"#, 2_500),
            ("/rpc/squares", #"{"n":2}"#, 2),
        ]
    )
    func `the rows of a function are the same however many`(
        path: String,
        body: String,
        rows: Int
    ) async throws {
        try await RestHarness.run(schema) { rest in
            let json: HeaderFields = ["Content-Type": "application/json"]
            for _ in 0..<2 {
                let long = try await rest.send(.post, path, json, body: body)
                let whole = try await rest.send(
                    .post,
                    path,
                    ["Content-Type": "application/json", "Prefer": "count=planned"],
                    body: body
                )
                #expect(long.status == 200)
                #expect(long.body == whole.body)
                #expect(try JSONValue(parsing: Array(long.body.utf8)).array?.count == rows)
                #expect(long.headers["content-range"] == "0-\(rows - 1)/*")
            }
        }
    }

    @Test func `a function that writes runs once, whatever it returns`() async throws {
        try await RestHarness.run(schema) { rest in
            let json: HeaderFields = ["Content-Type": "application/json"]
            let answer = try await rest.send(.post, "/rpc/counted", json, body: #"{"n":3000}"#)
            #expect(answer.status == 200)
            #expect(answer.body.hasSuffix("3000]"))
            let next = try await rest.send(.post, "/rpc/counted", json, body: #"{"n":1}"#)
            #expect(next.body == "[3001]")
        }
    }

    @Test(
        arguments: [
            (Method.get, "/rpc/tracked?n=3000", ""), (.get, "/rpc/tracked?n=3000&limit=1200", ""),
            (.post, "/rpc/tracked", #"{"n":3000}"#), (.get, "/rpc/tracked?n=3", ""),
        ]
    )
    func `a function that reads runs once, however long its rows`(
        method: Method,
        path: String,
        body: String
    ) async throws {
        let settings = """
            DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_functions = pl',
              current_database()); END $$;
            """
        try await RestHarness.run(schema + settings) { rest in
            let server = try PostgresServer.shared.get()
            func calls() throws -> Int {
                let text = try server.psql(
                    "SELECT coalesce(sum(calls), 0) FROM pg_stat_user_functions "
                        + "WHERE funcname = 'tracked'",
                    database: rest.database
                )
                return Int(text.filter(\.isNumber)) ?? -1
            }
            // Whether it has been seen before or not.
            for times in 1...3 {
                let json: HeaderFields = ["Content-Type": "application/json"]
                let answer = try await rest.send(method, path, json, body: body)
                #expect(answer.status == 200)
                #expect(try JSONValue(parsing: Array(answer.body.utf8)).array?.isEmpty == false)
                #expect(try calls() == times)
            }
        }
    }

    @Test func `arrays from a function are written as json_agg writes them`() async throws {
        try await RestHarness.run(schema) { rest in
            let long = try await rest.send(.get, "/rpc/tried?n=4000")
            let whole = try await rest.send(.get, "/rpc/tried?n=4000", ["Prefer": "count=exact"])
            #expect(long.body == whole.body)
            #expect(long.headers["content-range"] == "0-3999/*")
            let failed = try await rest.send(.get, "/rpc/tried?n=4500")
            #expect(failed.status == 400)
            #expect(failed.body.contains("22012"))
        }
    }

    @Test func `wide rows are bounded by what they weigh`() async throws {
        let wide = """
            CREATE TABLE api.wide AS
              SELECT id, repeat('x', 200000) AS body FROM generate_series(1, 150) id;
            GRANT SELECT ON api.wide TO anon;
            """
        try await RestHarness.run(wide) { rest in
            // Before anybody knows what they weigh, and after.
            for _ in 0..<2 {
                let response = await rest.controller.respond(
                    to: Request(.get, "/wide?order=id&limit=140")
                )
                guard case .stream = response.body else {
                    Issue.record("140 rows of 200 kB came in one piece")
                    return
                }
                #expect(response.headers["content-range"] == "0-139/*")
                let json = try JSONValue(parsing: try await response.collectedBody())
                #expect(json.array?.count == 140)
                #expect(json[139]?["id"]?.int == 140)
            }
            let few = await rest.controller.respond(to: Request(.get, "/wide?limit=7"))
            guard case .external = few.body else {
                Issue.record("7 rows of 200 kB came in pieces")
                return
            }
        }
    }

    @Test func `a page of light rows comes in one piece, seen before or not`() async throws {
        try await RestHarness.run(schema) { rest in
            for offset in [500, 500, 600] {
                let response = await rest.controller.respond(
                    to: Request(.get, "/numbers?order=id&limit=1000&offset=\(offset)")
                )
                guard case .external = response.body else {
                    Issue.record("1,000 light rows came in pieces")
                    return
                }
                #expect(response.headers["content-range"] == "\(offset)-\(offset + 999)/*")
            }
        }
    }

    @Test func `more long lists than there are places are told to come again`() async throws {
        try await RestHarness.run(schema) { rest in
            var held: [Response] = []
            for _ in 0..<4 {
                held.append(await rest.controller.respond(to: Request(.get, "/numbers")))
            }
            #expect(held.allSatisfy { $0.status == 200 })
            let refused = try await rest.send(.get, "/numbers")
            #expect(refused.status == 503)
            #expect(refused.headers["retry-after"] == "1")
            #expect(refused.body.contains("53300"))
            // Who wants little is served.
            #expect(try await rest.send(.get, "/numbers?limit=1").status == 200)
            held.removeAll()
            #expect(try await rest.send(.get, "/numbers").status == 200)
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
