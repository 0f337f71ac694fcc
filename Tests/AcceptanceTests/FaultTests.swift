// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct FaultTests {
        @Test func `a database killed under load comes back without a hang or a lost write`() throws
        {
            let postgres = try PostgresServer()
            let database = try Database(on: postgres)
            let server = try LucarneProcess.serving(connection: database.connection)
            try database.psql(
                "create table facts (id integer primary key); grant all on facts to service_role"
            )
            #expect(
                try eventually(within: 10) {
                    try server.get("/rest/v1/facts", bearer: server.token(role: "service_role"))
                        .status == 200
                }
            )
            let load = Promise<Command>()
            let token = try server.token(role: "service_role")
            Thread.detachNewThread {
                load.fulfil(
                    Result {
                        try Command.client("load", server.base + "/rest/v1/facts", token, "6")
                    }
                )
            }
            usleep(1_500_000)
            try postgres.kill()
            usleep(500_000)
            try postgres.restart()
            // The longest pause between attempts is half a second (PoolMachineTests).
            #expect(
                try eventually(within: 1.5) {
                    try server.get("/rest/v1/planets?limit=1").status == 200
                }
            )
            let run = try load.value(within: 60)
            #expect(run.status == 0, "\(run.errors)")
            let acknowledged = run.output.split(separator: "\n").map(String.init)
            #expect(acknowledged.count > 100)
            let kept = Set(
                try database.psql("select id from facts").split(separator: "\n").map(String.init)
            )
            #expect(Set(acknowledged).subtracting(kept).isEmpty)
            let acquires = "lucarne_db_pool_acquires_total"
            #expect(try server.metric(acquires, #"result="unavailable""#) > 0)
            #expect(try server.metric(acquires, #"result="refused""#) == 0)
        }

        @Test func `the statement of a client that leaves is cancelled`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(connection: database.connection)
            try database.psql(
                """
                create function forever() returns text language sql volatile as
                $$ select 'done' from pg_sleep(60) $$; notify pgrst, 'reload schema'
                """
            )
            #expect(
                try eventually(within: 10) {
                    try server.get("/rest/v1/rpc/forever", "-X", "OPTIONS").status == 200
                }
            )
            let running =
                "select count(*) from pg_stat_activity where state = 'active' "
                + "and datname = current_database() and query like '%forever%' and pid <> pg_backend_pid()"
            let gone = Promise<Reply>()
            Thread.detachNewThread {
                gone.fulfil(
                    Result { try server.get("/rest/v1/rpc/forever", "-X", "POST", "-m", "5") }
                )
            }
            #expect(try eventually(within: 5) { try database.psql(running) == "1" })
            #expect(try gone.value(within: 10).status == 0)
            #expect(try eventually(within: 3) { try database.psql(running) == "0" })
            #expect(try server.get("/rest/v1/planets?limit=1").status == 200)
        }

        @Test func `told to stop, it does not wait for a database that does not answer`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(
                ["--drain-timeout", "1s"],
                connection: database.connection
            )
            try database.psql(
                """
                create function endless() returns text language sql volatile as
                $$ select 'done' from pg_sleep(600) $$; notify pgrst, 'reload schema'
                """
            )
            #expect(
                try eventually(within: 10) {
                    try server.get("/rest/v1/rpc/endless", "-X", "OPTIONS").status == 200
                }
            )
            Thread.detachNewThread { _ = try? server.get("/rest/v1/rpc/endless", "-X", "POST") }
            let running =
                "select pid from pg_stat_activity where state = 'active' "
                + "and datname = current_database() and query like '%endless%' and pid <> pg_backend_pid()"
            var backend = pid_t(0)
            #expect(
                try eventually(within: 10) {
                    backend = pid_t(try database.psql(running)) ?? 0
                    return backend > 0
                }
            )
            kill(backend, SIGSTOP)
            defer { kill(backend, SIGCONT) }
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 20) == 0)
        }

        @Test func `told to stop, it does not wait for a connection that is being made`() throws {
            let postgres = try PostgresServer()
            let database = try Database(on: postgres)
            let server = try LucarneProcess.serving(
                ["--connect-timeout", "600s"],
                connection: database.connection
            )
            let sessions = try database.psql(
                "select pid from pg_stat_activity where backend_type = 'client backend' "
                    + "and pid <> pg_backend_pid()"
            ).split(separator: "\n").compactMap { pid_t($0) }
            #expect(sessions.count > 1)
            // Who connects is let in by the kernel, and hears nothing.
            let postmaster = try postgres.postmaster()
            kill(postmaster, SIGSTOP)
            defer { kill(postmaster, SIGCONT) }
            for session in sessions { kill(session, SIGTERM) }
            #expect(
                try eventually(within: 10) {
                    try server.metric("lucarne_db_pool_connections", #"state="connecting""#) > 0
                }
            )
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 20) == 0, "\(server.output)")
        }

        @Test(arguments: ["serve", "migrate"])
        func `told to stop, it does not wait for its first connection`(command: String) throws {
            let postgres = try PostgresServer()
            let database = try Database(on: postgres)
            let postmaster = try postgres.postmaster()
            // One is the server's own, which listens.
            func sockets() throws -> Int {
                let all = try String(contentsOfFile: "/proc/net/unix", encoding: .utf8)
                let path = postgres.directory + "/socket/.s.PGSQL.5432"
                return all.split(separator: "\n").count { $0.hasSuffix(path) }
            }
            #expect(try eventually(within: 10) { try sockets() == 1 })
            kill(postmaster, SIGSTOP)
            defer { kill(postmaster, SIGCONT) }
            let server = try LucarneProcess(
                [command, "--connect-timeout", "600s"],
                connection: database.connection
            )
            #expect(try eventually(within: 20) { try sockets() == 2 })
            server.signal(SIGTERM)
            let code: Int32 = command == "serve" ? 0 : 1
            #expect(try server.exitCode(within: 20) == code, "\(server.output)")
        }

        @Test(arguments: ["serve", "migrate"])
        func `told to stop, it does not wait for a migration that nobody answers for`(
            command: String
        ) throws {
            let postgres = try PostgresServer()
            let database = try Database(on: postgres)
            let server = try LucarneProcess(
                [command],
                connection: database.connection,
                migration: "select pg_sleep(600);"
            )
            let running =
                "select pid from pg_stat_activity where state = 'active' "
                + "and query like '%pg_sleep(600)%' and pid <> pg_backend_pid()"
            var backend = pid_t(0)
            #expect(
                try eventually(within: 20) {
                    backend = pid_t(try database.psql(running)) ?? 0
                    return backend > 0
                }
            )
            // Who asks it to cancel is let in by the kernel, and hears nothing either.
            let frozen = [backend, try postgres.postmaster()]
            for process in frozen { kill(process, SIGSTOP) }
            defer { for process in frozen { kill(process, SIGCONT) } }
            server.signal(SIGTERM)
            let code: Int32 = command == "serve" ? 0 : 1
            #expect(try server.exitCode(within: 20) == code, "\(server.output)")
        }

        @Test func `what changes while the first catalog is read is not missed`() throws {
            let database = try Database()
            let first = try LucarneProcess.serving(connection: database.connection)
            first.signal(SIGTERM)
            #expect(try first.exitCode() == 0)
            try database.psql("create table public.released ()")
            // Relations are read before the labels of enumerations.
            let holder = Promise<String>()
            Thread.detachNewThread {
                holder.fulfil(
                    Result {
                        try database.psql(
                            """
                            do $$ begin lock table pg_enum in access exclusive mode;
                            while not exists (select from public.released) loop
                            perform pg_sleep(0.05); end loop; end $$
                            """
                        )
                    }
                )
            }
            let locks = "from pg_locks where relation = 'pg_enum'::regclass and "
            #expect(
                try eventually(within: 10) {
                    try database.psql("select count(*) \(locks) granted") == "1"
                }
            )
            let server = try LucarneProcess(["serve"], connection: database.connection)
            #expect(
                try eventually(within: 20) {
                    try database.psql("select count(*) \(locks) not granted") == "1"
                },
                "\(server.output)"
            )
            try database.psql(
                """
                create table latecomers (id integer); grant select on latecomers to anon;
                notify pgrst, 'reload schema'; insert into public.released default values
                """
            )
            #expect(
                try eventually(within: 20) {
                    try server.get("/rest/v1/latecomers").status == 200
                }
            )
            _ = try holder.value(within: 10)
        }

        @Test func `a column of another type is asked for as such once the catalog knows`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(
                ["--pool-max", "1"],
                connection: database.connection,
                environment: ["LUCARNE_LOOPS": "1"]
            )
            try database.psql(
                """
                create table counts (n integer); insert into counts values (7);
                grant select on counts to anon; notify pgrst, 'reload schema'
                """
            )
            let few = { try server.get("/rest/v1/counts?n=lt.100").status }
            #expect(try eventually(within: 10) { try few() == 200 })
            let large = { try server.get("/rest/v1/counts?n=lt.3000000000") }
            #expect(try large().status == 400)
            try database.psql(
                "alter table counts alter n type bigint; notify pgrst, 'reload schema'"
            )
            #expect(try eventually(within: 10) { try large().body == #"[{"n":7}]"# })
        }

        @Test(arguments: ["fail", "degrade"])
        func `readiness bears a database that is away, for a while or as long as it takes`(
            policy: String
        ) throws {
            let postgres = try PostgresServer()
            let server = try LucarneProcess.serving(
                ["--readiness-database", policy, "--readiness-database-after", "6s"],
                connection: try Database(on: postgres).connection
            )
            try postgres.kill()
            var ready = try server.get("/readyz?verbose")
            let isTold = try eventually(within: 15) {
                ready = try server.get("/readyz?verbose")
                return ready.body.contains("[+]database warning")
            }
            #expect(isTold && ready.status == 200, "\(ready.body)")
            #expect(try server.metric("lucarne_health_check_status", "check=\"database\"") == 0)
            let fails = try eventually(within: policy == "fail" ? 20 : 8) {
                try server.get("/readyz").status == 503
            }
            #expect(fails == (policy == "fail"))
            // What restarts the unhealthy would restart every instance, and mend nothing.
            for (options, isWell) in [([], !fails), (["--live"], true)] {
                let check = try Command.run(
                    Repository.binary.path,
                    ["healthcheck"] + options,
                    environment: ["LUCARNE_ADDRESS": "127.0.0.1:\(server.port)"]
                )
                #expect(check.status == (isWell ? 0 : 1), "\(options) \(check.errors)")
            }
            try postgres.restart()
            #expect(
                try eventually(within: 15) {
                    let ready = try server.get("/readyz?verbose")
                    return ready.status == 200 && ready.body.contains("[+]database ok")
                }
            )
        }

        @Test func `a pool without a free session is no failed database`() throws {
            let database = try Database()
            try database.psql(
                "create function nap() returns void language sql volatile as "
                    + "$$ select pg_sleep(12) $$"
            )
            let server = try LucarneProcess.serving(
                ["--pool-max", "2"],
                connection: database.connection
            )
            for _ in 0..<8 {
                Thread.detachNewThread { _ = try? server.get("/rest/v1/rpc/nap", "-X", "POST") }
            }
            var ready = try server.get("/readyz?verbose")
            let isTold = try eventually(within: 15) {
                ready = try server.get("/readyz?verbose")
                return ready.body.contains("no session of the pool was free")
            }
            #expect(isTold && ready.status == 200, "\(ready.body)")
            #expect(try server.metric("lucarne_health_check_status", "check=\"database\"") == 1)
        }

        @Test func `two thousand idle connections cost memory and nothing else`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let run = try Command.client("idle", "\(server.port)", "2000")
            #expect(run.status == 0, "\(run.errors)\(server.output.suffix(1_000))")
            #expect(run.output == "2000 connected, 2000 answered, 2000 answered again\n")
            #expect(try eventually(within: 5) { try server.get("/livez").status == 200 })
        }

        @Test func `more connections than allowed are refused, not queued`() throws {
            let server = try LucarneProcess.serving(
                ["--http-connections-max", "50"],
                connection: try Database().connection
            )
            let run = try Command.client("idle", "\(server.port)", "100")
            #expect(run.output.hasPrefix("100 connected, "), "\(run.output)\(run.errors)")
            #expect(!run.output.contains(", 100 answered,"))
            #expect(try eventually(within: 5) { try server.get("/livez").status == 200 })
        }
    }
}
