// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import Telemetry
import Testing

@testable import Rest

/// What is planned is found again, for requests that differ in values alone.
@Suite(.serialized) struct PlanCacheTests {
    private let schema = """
        CREATE TABLE api.films (id int PRIMARY KEY, title text);
        INSERT INTO api.films VALUES (1, 'Cléo'), (2, 'Playtime');
        CREATE FUNCTION api.add(a int, b int) RETURNS int
          LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
        GRANT ALL ON api.films TO author;
        """

    private func told(_ rest: RestHarness, _ series: String, _ label: String = "") -> Int? {
        let text = String(decoding: rest.telemetry.exposition(as: .text), as: UTF8.self)
        let name = #"lucarne_cache_\#(series){cache="plan"\#(label)} "#
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line.flatMap { Int($0.dropFirst(name.count)) }
    }

    private func lookups(_ rest: RestHarness) -> [Int?] {
        ["hit", "miss", "stale"].map { told(rest, "lookups_total", #",result="\#($0)""#) }
    }

    @Test func `a read and a call are looked up once each, a write not at all`() async throws {
        try await RestHarness.run(schema) { rest in
            #expect(lookups(rest) == [0, 0, 0])
            for id in 1...2 {
                let answer = try await rest.send(.get, "/films?id=eq.\(id)", as: "author")
                #expect(answer.status == 200)
            }
            #expect(lookups(rest) == [1, 1, 0])
            let json: HeaderFields = ["Content-Type": "application/json"]
            for (arguments, sum) in [(#"{"a":1,"b":2}"#, "3"), (#"{"a":2,"b":3}"#, "5")] {
                let answer = try await rest.send(
                    .post,
                    "/rpc/add",
                    json,
                    body: arguments,
                    as: "author"
                )
                #expect(answer.body == sum)
            }
            #expect(lookups(rest) == [2, 2, 0])
            #expect(told(rest, "entries") == 2)
            let bytes = told(rest, "resident_bytes") ?? 0
            #expect(bytes > 100)
            let written = try await rest.send(
                .patch,
                "/films?id=eq.1",
                json,
                body: #"{"title":"x"}"#,
                as: "author"
            )
            #expect(written.status == 204)
            #expect(lookups(rest) == [2, 2, 0])
            // A refusal is not kept.
            for _ in 0..<2 {
                #expect(try await rest.send(.get, "/nothing", as: "author").status == 404)
            }
            #expect(lookups(rest) == [2, 4, 0])
            #expect(told(rest, "entries") == 2)
        }
    }

    @Test func `what PostgreSQL refuses is not kept, nor what would take much`() async throws {
        let wide = """
            CREATE TABLE api.shelves (id int PRIMARY KEY);
            CREATE TABLE api.wide (shelf int REFERENCES api.shelves);
            DO $$ BEGIN FOR n IN 1..200 LOOP
              EXECUTE format('ALTER TABLE api.wide ADD a_column_among_many_others_%s int', n);
            END LOOP; END $$;
            GRANT SELECT ON api.shelves, api.wide TO author;
            """
        try await RestHarness.run(schema + wide) { rest in
            func ask(_ path: String, _ status: Int) async throws {
                #expect(try await rest.send(.get, path, as: "author").status == status)
            }
            for _ in 0..<2 { try await ask("/films?select=nothing", 400) }
            let json: HeaderFields = ["Content-Type": "application/json"]
            let call = try await rest.send(.post, "/rpc/add", json, body: #"{"a":"x","b":1}"#)
            #expect(call.status == 400)
            for _ in 0..<2 { try await ask("/shelves?select=...wide(*)", 200) }
            #expect(lookups(rest) == [0, 5, 0])
            #expect(told(rest, "entries") == 0 && told(rest, "resident_bytes") == 0)
            // Another value of the shape makes it worth keeping.
            try await ask("/films?id=eq.x", 400)
            for id in 1...2 { try await ask("/films?id=eq.\(id)", 200) }
            #expect(lookups(rest) == [1, 7, 0])
            #expect(told(rest, "resident_bytes") ?? 0 > 1_000)
        }
    }

    @Test func `plans go with the catalog that they were made against`() async throws {
        try await RestHarness.run(schema) { rest in
            _ = try await rest.send(.get, "/films?select=title", as: "author")
            #expect(told(rest, "entries") == 1)
            try await rest.load()
            #expect(told(rest, "evictions_total", #",reason="invalidated""#) == 1)
            #expect(told(rest, "entries") == 0)
            #expect(told(rest, "resident_bytes") == 0)
            _ = try await rest.send(.get, "/films?select=title", as: "author")
            #expect(lookups(rest) == [0, 2, 0])
        }
    }
}
