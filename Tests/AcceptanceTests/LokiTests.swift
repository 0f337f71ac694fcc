// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// Against a real Loki, whose program LOKI names; `make loki` runs these.
extension AcceptanceTests {
    @Suite(.serialized, .enabled(if: LokiProcess.program != nil, "LOKI names no program"))
    struct LokiTests {
        @Test func `Loki takes the configuration that ships, as it is`() throws {
            let run = try Command.run(
                try #require(LokiProcess.program),
                ["-verify-config", "-config.file=\(LokiProcess.configuration)"]
            )
            #expect(run.status == 0, "\(run.output)\(run.errors)")
        }

        @Test func `every record is there once and in order, and every panel finds its own`()
            throws
        {
            let loki = try LokiProcess()
            let server = try Self.busyServer(loki)
            let token = try server.token(role: "service_role")
            let traffic = try Command.client("traffic", server.base, token, "6")
            #expect(traffic.status == 0, "\(traffic.output)\(traffic.errors)")
            try Self.expectAll(of: server, in: loki)
            let labels = Set(try loki.series().flatMap(\.keys))
            #expect(labels == ["service_name", "level", "env", "instance"])
            let verify = try Command.run(
                Repository.binary.path,
                ["telemetry", "verify", "--loki", loki.base, "--strict"]
            )
            #expect(verify.status == 0, "\(verify.output)\(verify.errors)")
        }

        @Test func `a Loki that comes late, is killed, and hangs costs no record`() throws {
            let loki = try LokiProcess(isStarted: false)
            let server = try Self.busyServer(loki)
            func ask() throws {
                for _ in 0..<20 { _ = try server.get("/rest/v1/planets?select=name") }
            }
            try ask()
            try loki.start()
            try ask()
            // In the middle of what it is being sent.
            loki.kill()
            try ask()
            try loki.start()
            try ask()
            loki.signal(SIGSTOP)
            try ask()
            // Longer than an answer is waited for: it is asked again, and has it twice.
            _ = try eventually(within: 13) { false }
            loki.signal(SIGCONT)
            try ask()
            try Self.expectAll(of: server, in: loki)
        }

        /// The one refuses a push, the other takes a part of it.
        @Test(
            arguments: [
                [
                    "-distributor.ingestion-rate-limit-mb=0.1",
                    "-distributor.ingestion-burst-size-mb=0.6",
                ],
                [
                    "-ingester.per-stream-rate-limit=100KB",
                    "-ingester.per-stream-rate-limit-burst=600KB",
                ],
            ]
        )
        func `a Loki that takes little at a time gets all, once, later`(_ limits: [String]) throws {
            let loki = try LokiProcess(limits: limits)
            let server = try Self.busyServer(loki)
            let load = "\(server.base)/rest/v1/planets?limit=1&offset=[1-3000]"
            _ = try Command.run("/usr/bin/env", ["curl", "-s", load])
            try Self.expectAll(of: server, in: loki)
            #expect(try loki.get("/metrics").contains(#"status_code="429""#))
        }

        /// Loki takes the others, and says neither which nor how many it has left out.
        @Test func `a record that is too long for Loki costs no other`() throws {
            let loki = try LokiProcess(limits: ["-distributor.max-line-size=600"])
            let server = try Self.busyServer(loki)
            for _ in 0..<5 { _ = try server.get("/rest/v1/planets?select=name") }
            func counted(_ name: String, _ labels: String = "") throws -> Int {
                Int(try server.metric("lucarne_log_\(name)", #"sink="loki"\#(labels)"#))
            }
            let isSettled = try eventually(within: 60) {
                let made = Int(try server.metric("lucarne_log_records_total"))
                let refused = try counted("records_dropped_total", #",reason="rejected""#)
                let lines = server.output.split(separator: "\n").filter { $0.hasPrefix("{") }
                let long = lines.count { $0.utf8.count > 600 }
                let written = try counted("records_written_total")
                let there = try loki.records().count
                return long >= 5 && refused == long && made == lines.count
                    && written == made - long && there == written
            }
            #expect(isSettled, "\(loki.output.suffix(2_000))")
        }

        @Test func `a tenant's records are the tenant's, and verified as the tenant's`() throws {
            let loki = try LokiProcess(tenant: "acme")
            let server = try Self.busyServer(loki, tenant: "acme")
            for _ in 0..<5 { _ = try server.get("/rest/v1/planets?select=name") }
            try Self.expectAll(of: server, in: loki)
            func verify(_ more: String...) throws -> Command {
                let arguments = ["telemetry", "verify", "--loki", loki.base] + more
                return try Command.run(Repository.binary.path, arguments)
            }
            #expect(try verify().errors.contains("no org id"))
            let others = try verify("--tenant", "umbrella").output
            let own = try verify("--tenant", "acme").output
            #expect(others != own && own.contains("data"), "\(others)\(own)")
            #expect(try verify("--tenant", "a\r\nb").status != 0)
        }

        /// A server whose database has something slow and something broken.
        private static func busyServer(
            _ loki: LokiProcess,
            tenant: String? = nil
        ) throws -> LucarneProcess {
            let database = try Database()
            try database.psql(
                """
                create table facts (id bigint primary key);
                create function broken() returns int language plpgsql as
                $$ begin raise sqlstate 'PT503' using message = 'broken'; end $$;
                create function slow() returns text language sql volatile as
                $$ select 'done' from pg_sleep(0.6) $$;
                create function sever() returns bigint language sql security definer volatile as
                $$ select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and state = 'idle'
                and pid <> pg_backend_pid() $$
                """
            )
            let server = try LucarneProcess.serving(
                connection: database.connection,
                environment: [
                    "LUCARNE_LOG_LOKI_URL": loki.base, "LUCARNE_LOG_FORMAT": "json",
                    "LUCARNE_LOG_LOKI_TENANT": tenant ?? "",
                ]
            )
            try database.psql("grant all on facts to service_role")
            return server
        }

        /// What standard output has, Loki has: the same lines, each once, by time, with the trace
        /// of each beside it; and the counters say so.
        private static func expectAll(of server: LucarneProcess, in loki: LokiProcess) throws {
            func counted(_ name: String) throws -> Int {
                Int(try server.metric("lucarne_log_\(name)", #"sink="loki""#))
            }
            var (written, here, there) = (0, [String](), try loki.records())
            // Whoever asks is answered with a record or two: until nothing is on its way.
            let isQuiet = try eventually(within: 120) {
                let made = Int(try server.metric("lucarne_log_records_total"))
                written = try counted("records_written_total")
                guard written == made else { return false }
                here = server.output.split(separator: "\n").map(String.init).filter {
                    $0.hasPrefix("{")
                }
                there = try loki.records()
                return there.count == written && here.count == written
            }
            #expect(isQuiet, "\(written) written, \(here.count) here, \(there.count) there")
            #expect(try counted("records_dropped_total") == 0)
            #expect(try loki.count() == there.count)
            #expect(Set(there.map(\.line)) == Set(here))
            #expect(Set(there.map(\.line)).count == there.count)
            #expect(there.map(\.time) == there.map(\.time).sorted())
            for record in there {
                #expect(record.line.contains(#""logger":"\#(record.labels["logger"] ?? "")""#))
                let trace = record.line.firstMatch(of: /"trace_id":"([0-9a-f]{32})"/)
                #expect(record.labels["trace_id"] == trace.map { String($0.1) })
            }
            #expect(there.contains { $0.labels["trace_id"] != nil })
        }
    }
}
