// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    /// What PostgreSQL does with a slow statement, seen without running it again.
    @Suite(.serialized) struct PlanTests {
        @Test func `an index dropped under load is seen in the trace, and nothing runs twice`()
            throws
        {
            let database = try Database()
            try database.psql(Self.schema)
            let server = try LucarneProcess.serving(
                connection: database.connection,
                environment: [
                    "LUCARNE_SLOW_STATEMENT": "0ms", "LUCARNE_PLANS_PER_MINUTE": "600",
                ]
            )
            try database.psql("grant select on crates to anon; notify pgrst, 'reload schema'")
            let path = "/rest/v1/crates?select=id&label=eq."
            #expect(try eventually(within: 10) { try server.get(path + "0").status == 200 })
            try database.psql("select pg_stat_statements_reset()")
            var asked = 0
            func plans(_ word: String) throws -> [[String: Any]] {
                asked += 1
                #expect(try server.get(path + "crate-\(asked)").status == 200)
                return try self.plans(server).filter { "\($0["outline"] ?? "")".contains(word) }
            }
            #expect(try eventually(within: 20) { try !plans("Index Scan").isEmpty })
            #expect(try plans("Seq Scan").isEmpty)
            try database.psql("drop index crates_label")
            #expect(try eventually(within: 30) { try !plans("Seq Scan").isEmpty })

            let found = try #require(try plans("Seq Scan").last)
            let name = "Seq Scan on public.crates (300000 rows) filters by label"
            #expect("\(found["findings"] ?? "")".contains(name))
            let id = try #require((found["trace_ids"] as? [String])?.first)
            let trace = try server.get("/debug/traces/\(id)")
            #expect(trace.status == 200)
            #expect(trace.body.contains("lucarne.plan.finding") && trace.body.contains("Seq Scan"))
            // Values are in what the client asked, and in nothing that PostgreSQL said.
            #expect(trace.body.ranges(of: "crate-").count == 1)
            #expect(
                try eventually(within: 5) {
                    try server.records().contains { $0["event"] as? String == "sql.plan_changed" }
                }
            )
            #expect(
                try server.metric("lucarne_sql_plans_captured_total", #"result="ok""#) >= 2
            )
            // Each statement ran once for each request: to explain is not to run.
            let calls = try database.psql(
                """
                select sum(calls) from pg_stat_statements s join pg_database d on d.oid = s.dbid
                where datname = current_database() and query ~ '"crates"'
                  and query !~* '^(prepare|explain)'
                """
            )
            #expect(calls == "\(asked)")
        }

        @Test func `a statement that runs can be tied to its request`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(
                connection: database.connection,
                environment: ["LUCARNE_TRACE_STATEMENTS": "on"]
            )
            try database.psql(
                """
                create function nap(seconds int) returns text language sql volatile as
                $$ select current_setting('application_name') from pg_sleep(seconds) $$;
                create view names as select current_setting('application_name') as name
                from generate_series(1, 3000);
                grant select on names to anon;
                notify pgrst, 'reload schema'
                """
            )
            #expect(
                try eventually(within: 10) {
                    try server.get("/rest/v1/rpc/nap?seconds=0").status == 200
                }
            )
            let id = "4bf92f3577b34da6a3ce929d0e0e4736"
            let answer = Promise<Reply>()
            Thread.detachNewThread {
                answer.fulfil(
                    Result {
                        try server.get(
                            "/rest/v1/rpc/nap?seconds=2",
                            "-H",
                            "traceparent: 00-\(id)-00f067aa0ba902b7-01"
                        )
                    }
                )
            }
            func active(_ name: String) throws -> String {
                try database.psql(
                    """
                    select count(*) from pg_stat_activity where application_name = '\(name)'
                      and state = 'active' and query like '%nap%'
                    """
                )
            }
            #expect(try eventually(within: 10) { try active("lucarne \(id)") == "1" })
            #expect(try answer.value(within: 20).body == "\"lucarne \(id)\"")
            // A list that comes in pieces.
            let list = try server.get(
                "/rest/v1/names",
                "-H",
                "traceparent: 00-\(id)-00f067aa0ba902b7-01"
            )
            #expect(list.body.split(separator: id).count == 3_001)
            #expect(
                try database.psql(
                    "select count(*) from pg_stat_activity where application_name like 'lucarne _%'"
                ) == "0"
            )
        }

        private func plans(_ server: LucarneProcess) throws -> [[String: Any]] {
            let body = try server.get("/debug/sql").body
            let document = try JSONSerialization.jsonObject(with: Data(body.utf8))
            let statements = (document as? [String: Any])?["statements"] as? [[String: Any]] ?? []
            return statements.flatMap { $0["plans"] as? [[String: Any]] ?? [] }
                .filter { "\($0["query"] ?? "")".contains("crates") }
        }

        private static let schema = """
            create extension pg_stat_statements;
            create table crates (id int primary key, label text not null);
            insert into crates select n, 'crate-' || n from generate_series(1, 300000) n;
            create index crates_label on crates (label);
            analyze crates
            """
    }
}
