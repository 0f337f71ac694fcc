// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct StartTests {
        private static let isMigratedElsewhere = ["LUCARNE_MIGRATE_ON_START": "false"]

        /// Who listens to changes; the catalog. Nobody has been sent there.
        @Test(arguments: ["LISTEN ", "pg_enum"])
        func `told to stop before it serves, it stops without a delay`(word: String) throws {
            let pooler = try Daemon.frozenPooler(before: try Database(), at: word)
            let server = try LucarneProcess(
                ["serve", "--drain-delay", "120s"],
                connection: pooler.connection,
                environment: Self.isMigratedElsewhere
            )
            #expect(try eventually(within: 20) { pooler.daemon.output.contains("frozen") })
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 20) == 0, "\(server.output)")
            #expect(server.output.contains("start.abandoned"))
        }

        /// Who listens to changes; the catalog; the migrations' record.
        @Test(arguments: ["LISTEN ", "pg_enum", "READ ONLY; SET LOCAL statement_timeout"])
        func `told to stop before it serves, it waits for no answer`(word: String) throws {
            let pooler = try Daemon.frozenPooler(before: try Database(), at: word)
            let server = try LucarneProcess(
                ["serve"],
                connection: pooler.connection,
                environment: Self.isMigratedElsewhere
            )
            #expect(try eventually(within: 20) { pooler.daemon.output.contains("frozen") })
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 20) == 0, "\(server.output)")
        }

        @Test func `readiness waits for who listens to changes, but not long`() throws {
            let pooler = try Daemon.frozenPooler(before: try Database(), at: "LISTEN ", for: "one")
            let server = try LucarneProcess(["serve"], connection: pooler.connection)
            #expect(try eventually(within: 20) { pooler.daemon.output.contains("frozen") })
            let isReady = try eventually(within: 20) { try server.get("/readyz").status == 200 }
            #expect(isReady, "\(server.output)")
            // That is asked for when the deadline of a statement has passed.
            #expect(!pooler.daemon.output.contains("asked to cancel"))
        }

        @Test func `where nothing needs the database, readiness does not`() throws {
            let server = try LucarneProcess(
                ["serve", "--features", "operations"],
                connection: "postgresql://127.0.0.1:1/none",
                environment: Self.isMigratedElsewhere
            )
            let isReady = try eventually(within: 10) { try server.get("/readyz").status == 200 }
            #expect(isReady, "\(server.output)")
        }

        @Test func `who is told that it is ready finds it open`() throws {
            let database = try Database()
            // What tells how far the schema is.
            try database.psql(
                """
                create schema lucarne; create table public.released ();
                create table lucarne.migrations (name text primary key, checksum text)
                """
            )
            let holder = Promise<String>()
            Thread.detachNewThread {
                holder.fulfil(
                    Result {
                        try database.psql(
                            """
                            do $$ begin lock table lucarne.migrations in access exclusive mode;
                            while not exists (select from public.released) loop
                            perform pg_sleep(0.05); end loop; end $$
                            """
                        )
                    }
                )
            }
            let held =
                "select count(*) from pg_locks where granted "
                + "and relation = 'lucarne.migrations'::regclass"
            #expect(try eventually(within: 10) { try database.psql(held) == "1" })
            let operations = "127.0.0.1:\(Int.random(in: 12_000..<20_000))"
            let server = try LucarneProcess(
                ["serve", "--operations-address", operations],
                connection: database.connection,
                environment: Self.isMigratedElsewhere
            )
            let isTold = try eventually(within: 20) {
                let ready = ["-s", "-w", "%{http_code}", operations + "/readyz"]
                return try Command.run("/usr/bin/env", ["curl"] + ready).output.hasSuffix("200")
            }
            let isOpen = try server.get("/rest/v1/").status > 0
            #expect(isTold && isOpen, "\(server.output)")
            try database.psql("insert into public.released default values")
            _ = try holder.value(within: 10)
        }

        @Test func `a port in use is noticed before anybody is told that it is ready`() throws {
            let connection = try Database().connection
            let first = try LucarneProcess.serving(connection: connection)
            let operations = "127.0.0.1:\(Int.random(in: 12_000..<20_000))"
            let second = try LucarneProcess(
                ["serve", "--operations-address", operations],
                connection: connection,
                port: first.port
            )
            #expect(try second.exitCode() == 1)
            let states = try second.records().compactMap { $0["state"] as? String }
            #expect(!states.contains("ready"), "\(second.output)")
        }
    }
}

extension Daemon {
    /// What passes on what is said to the database, until somebody says the word: then `whom`, "all"
    /// or the "one" who said it, hears nothing more.
    fileprivate static func frozenPooler(
        before database: Database,
        at word: String,
        for whom: String = "all"
    ) throws -> (daemon: Daemon, connection: String) {
        let socket = database.server.directory + "/socket/.s.PGSQL.5432"
        let client = Repository.root + "/Tests/Clients/frozen.py"
        let daemon = try Daemon("python3", files: [:]) { [client, "\($1)", socket, word, whom] }
        let connection =
            "host=127.0.0.1 port=\(daemon.port) user=postgres dbname=\(database.name)"
        let isThere = try eventually(within: 20) {
            try Command.run("/usr/bin/env", ["pg_isready", "-q", "-d", connection]).status == 0
        }
        try #require(isThere, "\(daemon.output)")
        return (daemon, connection)
    }
}
