// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct StreamingTests {
        private func server(_ database: Database) throws -> LucarneProcess {
            let server = try LucarneProcess.serving(
                connection: database.connection,
                environment: ["LUCARNE_LOG_LEVEL": "critical"]
            )
            try database.psql(
                """
                create table facts (id int primary key, text text);
                insert into facts select n, repeat('fact ', 30) || n from generate_series(1, 100000) n;
                create function fragile(fact facts) returns int stable language sql
                  as 'select 1 / (90000 - $1.id)';
                grant select on facts to anon
                """
            )
            try #require(
                try eventually(within: 20) {
                    try server.get("/rest/v1/facts?limit=1").status == 200
                }
            )
            return server
        }

        @Test func `a hundred thousand rows go to a slow reader in bounded memory`() throws {
            let database = try Database()
            let server = try server(database)
            let run = try Command.client(
                "list",
                server.base + "/rest/v1/facts?order=id",
                String(server.processID)
            )
            let words = run.output.split(separator: " ")
            #expect(run.output.hasPrefix("100000 rows, whole"), "\(run.output)\(run.errors)")
            #expect(words.dropLast().last.flatMap { Int($0) } ?? .max <= 64, "\(run.output)")
        }

        @Test func `a list that fails half-way is seen to be cut short`() throws {
            let database = try Database()
            let server = try server(database)
            let run = try Command.client(
                "list",
                server.base + "/rest/v1/facts?select=id,fragile&order=id",
                String(server.processID)
            )
            #expect(run.output.contains("cut short"), "\(run.output)\(run.errors)")
            // Nothing of it stays behind.
            #expect(
                try eventually(within: 10) {
                    try database.psql(
                        """
                        select count(*) from pg_stat_activity
                        where datname = current_database() and state like 'idle in%'
                        """
                    ) == "0"
                }
            )
        }
    }
}
