// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct ServingTests {
        @Test func `an existing database is migrated and served`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(connection: database.connection)
            let reply = try server.get("/rest/v1/planets?select=name,moons(name)&id=eq.4")
            #expect(reply.status == 200)
            #expect(
                reply.body
                    == #"[{"name":"Mars","moons":[{"name": "Phobos"}, {"name": "Deimos"}]}]"#
            )
            #expect(
                try database.psql("select count(*) from lucarne.migrations where name ~ '^0'")
                    == "4"
            )
            server.signal(SIGTERM)
            #expect(try server.exitCode() == 0)
        }

        @Test func `without DATABASE_URL it keeps a PostgreSQL of its own`() throws {
            let server = try LucarneProcess.serving(connection: nil)
            #expect(
                try server.get("/rest/v1/moons?name=eq.Titan&select=radius_km").body.contains(
                    "2574.7"
                )
            )
            server.signal(SIGINT)
            #expect(try server.exitCode() == 0)
            let left = try Command.run(
                "/bin/bash",
                ["-c", "find \(server.directory) -name postmaster.pid"]
            )
            #expect(left.output.isEmpty)
        }

        @Test(
            arguments: [
                (["serve", "--no-such-flag", "1"], [:], 2, "no-such-flag"),
                (["serve", "--pool-max", "many"], [:], 2, "pool-max"),
                (["serve"], ["LUCARNE_NO_SUCH_SETTING": "1"], 2, "LUCARNE_NO_SUCH_SETTING"),
                (["conquer"], [:], 2, "conquer"),
                (["serve"], ["DATABASE_URL": "postgresql://127.0.0.1:1/none"], 1, "127.0.0.1"),
                (["serve"], ["DATABASE_URL": "host=/no/such/folder"], 1, "/no/such/folder"),
                (["serve"], ["DATABASE_URL": "postgresql://u:hu/sh@127.0.0.1/d"], 2, "%2F"),
                (
                    ["serve"], ["LUCARNE_ENVIRONMENT": "production", "LUCARNE_JWT_SECRET": ""], 2,
                    "LUCARNE_JWT_SECRET"
                ),
            ] as [([String], [String: String], Int32, String)]
        )
        func `what cannot start says why in one line`(
            arguments: [String],
            environment: [String: String],
            code: Int32,
            name: String
        ) throws {
            let connection = try Database().connection
            let server = try LucarneProcess(
                arguments,
                connection: connection,
                environment: environment
            )
            #expect(try server.exitCode() == code, "\(server.output)")
            let lines = server.output.split(separator: "\n").filter { !$0.hasPrefix("{") }
            #expect(lines.count == 1, "\(server.output)")
            #expect(lines.first?.contains(name) == true, "\(server.output)")
            #expect(!server.output.contains("hu/sh"))
            // Where nothing is wrong with the settings, the log's readers are told as well.
            let told = try server.records().filter { $0["event"] as? String == "start.failed" }
            #expect(told.count == (code == 1 ? 1 : 0))
            #expect(told.allSatisfy { "\($0["error.message"] ?? "")".contains(name) })
        }

        /// As process 1 of a container, nothing ends what has no handler.
        @Test(arguments: [("serve", 0), ("config", SIGTERM), ("doctor", SIGTERM)])
        func `told to stop while it reads its settings, it ends`(
            command: String,
            code: Int32
        ) throws {
            let secret = NSTemporaryDirectory() + "lucarne-\(UInt64.random(in: 0 ... .max))"
            let isMade = unsafe mkfifo(secret, 0o600) == 0
            try #require(isMade)
            defer { unsafe unlink(secret) }
            let server = try LucarneProcess(
                [command],
                connection: nil,
                environment: ["LUCARNE_JWT_SECRET": "@" + secret]
            )
            // Not before somebody reads there (fifo(7)).
            var writer: Int32 = -1
            let isRead = try eventually(within: 20) {
                writer = unsafe open(secret, O_WRONLY | O_NONBLOCK)
                return writer >= 0
            }
            #expect(isRead)
            defer { close(writer) }
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 20) == code, "\(server.output)")
        }

        @Test(arguments: ["serve", "migrate"])
        func `told to stop while it migrates, it leaves nothing half done`(command: String) throws {
            let database = try Database()
            let server = try LucarneProcess(
                [command],
                connection: database.connection,
                migration: "create table half (); select pg_sleep(600);"
            )
            let running =
                "select count(*) from pg_stat_activity where state = 'active' "
                + "and datname = current_database() and query like '%pg_sleep(600)%' "
                + "and pid <> pg_backend_pid()"
            #expect(try eventually(within: 20) { try database.psql(running) == "1" })
            server.signal(SIGTERM)
            // Whoever stops a server has what they wanted; whoever stops a command has not.
            #expect(try server.exitCode() == (command == "serve" ? 0 : 1), "\(server.output)")
            #expect(server.output.contains(command == "serve" ? "start.abandoned" : "0001_slow"))
            #expect(try eventually(within: 5) { try database.psql(running) == "0" })
            #expect(try database.psql("select to_regclass('half') is null") == "t")
        }

        @Test func `while it starts, probes and metrics tell what it waits for`() throws {
            let database = try Database()
            try database.psql("create table public.released ()")
            let operations = "127.0.0.1:\(Int.random(in: 12_000..<20_000))"
            let server = try LucarneProcess(
                ["serve", "--operations-address", operations],
                connection: database.connection,
                migration: """
                    do $$ begin while not exists (select from public.released) loop
                    perform pg_sleep(0.05); end loop; end $$;
                    """
            )
            func ask(_ path: String) throws -> String {
                let shown = ["-s", "-w", "\n%{http_code}"]
                return try Command.run("/usr/bin/env", ["curl", operations + path] + shown).output
            }
            var startup = ""
            #expect(
                try eventually(within: 20) {
                    startup = try ask("/startupz")
                    return startup.contains("applying 0001_slow.sql")
                },
                "\(startup)\(server.output)"
            )
            #expect(startup.hasSuffix("503"))
            #expect(startup.contains("[+]database_reached ok"), "\(startup)")
            #expect(startup.contains("[-]listening failed"), "\(startup)")
            #expect(try eventually(within: 10) { try ask("/livez").hasSuffix("200") })
            #expect(try ask("/readyz").hasSuffix("503"))
            #expect(try ask("/metrics").contains(#"lucarne_lifecycle_state{state="starting"} 1"#))
            // Nobody is let in before there is something for them.
            #expect(try server.get("/rest/v1/planets?limit=1").status == 0)
            try database.psql("insert into public.released default values")
            #expect(try eventually(within: 20) { try ask("/readyz").hasSuffix("200") })
            #expect(
                try eventually(within: 10) {
                    startup = try ask("/startupz?verbose")
                    return startup.hasSuffix("200")
                },
                "\(startup)"
            )
            #expect(startup.contains("[+]migrations ok"), "\(startup)")
            let told = try server.records().compactMap { $0["event"] as? String }
            #expect(told.contains("migration.begun") && told.contains("migration.applied"))
        }

        /// While the cluster is made, and while its server starts.
        @Test(arguments: ["postgres.new/PG_VERSION", "postgres/postmaster.pid"])
        func `told to stop while its PostgreSQL starts, it takes that along`(file: String) throws {
            let server = try LucarneProcess(["serve"], connection: nil)
            let path = server.directory + "/lucarne-data/" + file
            #expect(
                try eventually(within: 30) { FileManager.default.fileExists(atPath: path) },
                "\(server.output)"
            )
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 30) == 0, "\(server.output)")
            let left = try Command.run("/usr/bin/env", ["pgrep", "-f", server.directory])
            #expect(left.output.isEmpty)
            let again = try LucarneProcess.serving(
                connection: nil,
                environment: ["LUCARNE_DATA_DIRECTORY": server.directory + "/lucarne-data"]
            )
            again.signal(SIGTERM)
            #expect(try again.exitCode(within: 30) == 0)
            withExtendedLifetime(server) {}
        }

        @Test func `a port in use is named in one line`() throws {
            let connection = try Database().connection
            let first = try LucarneProcess.serving(connection: connection)
            let second = try LucarneProcess(["serve"], connection: connection, port: first.port)
            #expect(try second.exitCode() == 1)
            let complaints = second.output.split(separator: "\n").filter { !$0.hasPrefix("{") }
            #expect(complaints.count == 1, "\(second.output)")
            #expect(complaints.first?.contains("\(first.port)") == true, "\(second.output)")
            #expect(!second.output.contains("start.abandoned"), "\(second.output)")
            #expect(try first.get("/livez").status == 200)
        }

        @Test func `readiness turns on SIGTERM, then what is in flight is finished`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(
                ["--drain-delay", "2s"],
                connection: database.connection
            )
            try database.psql(
                """
                create function slow() returns text language sql volatile as
                $$ select 'done' from pg_sleep(3) $$; notify pgrst, 'reload schema'
                """
            )
            #expect(
                try eventually(within: 10) {
                    try !server.get("/rest/v1/").body.isEmpty
                        && server.get("/rest/v1/rpc/slow", "-X", "OPTIONS").status == 200
                }
            )
            let answer = Promise<Reply>()
            Thread.detachNewThread {
                answer.fulfil(Result { try server.get("/rest/v1/rpc/slow", "-X", "POST") })
            }
            usleep(500_000)
            server.signal(SIGTERM)
            #expect(try eventually(within: 2) { try server.get("/readyz").status == 503 })
            let last = try server.get("/livez")
            #expect(last.status == 200 && last.headers["connection"] == "close")
            let reply = try answer.value(within: 15)
            #expect(reply.status == 200)
            #expect(reply.body == #""done""#)
            #expect(try server.exitCode() == 0)
        }

        @Test func `a drain takes as long as it may once, whoever is still asking`() throws {
            let database = try Database()
            let operations = "127.0.0.1:\(Int.random(in: 12_000..<20_000))"
            let server = try LucarneProcess.serving(
                ["--drain-timeout", "6s", "--operations-address", operations],
                connection: database.connection
            )
            try database.psql(
                """
                create function slow() returns text language sql volatile as
                $$ select 'done' from pg_sleep(60) $$; notify pgrst, 'reload schema'
                """
            )
            #expect(
                try eventually(within: 10) {
                    try server.get("/rest/v1/rpc/slow", "-X", "OPTIONS").status == 200
                }
            )
            let slow = Promise<Reply>()
            let profile = Promise<Int32>()
            @Sendable func look(seconds: Int) throws -> Command {
                let url = operations + "/debug/profile?seconds=\(seconds)"
                let shown = ["-s", "-o", "/dev/null", "-w", "%{http_code}"]
                return try Command.run("/usr/bin/env", ["curl", url] + shown)
            }
            Thread.detachNewThread {
                slow.fulfil(Result { try server.get("/rest/v1/rpc/slow", "-X", "POST") })
            }
            Thread.detachNewThread {
                profile.fulfil(
                    Result {
                        var run: Command
                        repeat { run = try look(seconds: 60) } while run.output == "409"
                        return run.status
                    }
                )
            }
            let running =
                "select count(*) from pg_stat_activity where state = 'active' "
                + "and datname = current_database() and query like '%slow%' "
                + "and pid <> pg_backend_pid()"
            #expect(
                try eventually(within: 20) {
                    try database.psql(running) == "1" && look(seconds: 1).output == "409"
                }
            )
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 9) == 0)
            #expect(try slow.value(within: 15).status == 0)
            #expect(try profile.value(within: 15) != 0)
        }

        @Test func `only being told to stop once more shortens the time before a drain`() throws {
            let server = try LucarneProcess.serving(
                ["--drain-delay", "120s"],
                connection: try Database().connection
            )
            server.signal(SIGTERM)
            #expect(try eventually(within: 10) { try server.get("/readyz").status == 503 })
            for signal in [SIGHUP, SIGUSR1, SIGUSR2] { server.signal(signal) }
            // As long as a drain of nothing would take.
            sleep(1)
            #expect(try server.get("/rest/v1/planets?limit=1").status == 200)
            server.signal(SIGTERM)
            #expect(try server.exitCode() == 0)
        }
    }
}
