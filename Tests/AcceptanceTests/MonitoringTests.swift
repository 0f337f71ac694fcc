// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct MonitoringTests {
        @Test(arguments: [HistogramForm.classic, .native])
        func `every panel, variable and rule finds data under real traffic`(
            _ form: HistogramForm
        ) throws {
            let server = try Self.busyServer()
            let prometheus = try Daemon.prometheus(
                scraping: server,
                namespace: form.namespace,
                features: form.features
            )
            let token = try server.token(role: "service_role")
            let traffic = try Command.client("traffic", server.base, token, "6")
            #expect(traffic.status == 0, "\(traffic.output)\(traffic.errors)")
            try Self.expectData(prometheus)
            let elsewhere = try Self.verify(prometheus, "--namespace", "elsewhere", "--json")
            #expect(elsewhere.output.contains(#""verdict":"no traffic""#))
            try Self.expectExemplarsOpen(prometheus, server, form)
            let classic = try prometheus.values("http_server_request_duration_seconds_bucket")
            #expect(classic.isEmpty == (form == .native))
        }

        @Test func `a Prometheus that scrapes nothing is told so, question by question`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let prometheus = try Daemon.prometheus(scraping: server)
            server.signal(SIGKILL)
            let report = try Self.verify(prometheus, "--json")
            #expect(report.status == 1)
            #expect(report.output.contains(#""verdict":"not scraped""#))
            #expect(!report.output.contains(#""verdict":"renamed""#))
        }

        @Test func `a guarded Prometheus is asked with its token`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let prometheus = try Daemon.prometheus(scraping: server)
            let guarded = try Daemon("python3", files: ["token": "s3cret\n", "bad": "a\nb"]) {
                ["\(Repository.root)/Tests/Clients/guard.py", "\($1)", prometheus.base, "s3cret"]
            }
            #expect(try eventually(within: 10) { try guarded.get("/").status == 401 })
            #expect(
                try eventually(within: 20) { try !prometheus.values("lucarne_build_info").isEmpty }
            )
            let refused = try Self.verify(guarded)
            #expect(refused.status == 1 && refused.errors.contains("answered 401: who are you?"))
            for token in ["s3cret", "@\(guarded.directory)/token"] {
                let report = try Self.verify(guarded, "--token", token)
                #expect(report.output.contains(" data"), "\(report.output)\(report.errors)")
            }
            let broken = try Self.verify(guarded, "--token", "@\(guarded.directory)/bad")
            #expect(broken.status == 2 && broken.errors.contains("--token: printable"))
        }

        @Test func `where no Prometheus is, the answer is one line`() throws {
            let run = try Command.run(
                Repository.binary.path,
                ["telemetry", "verify", "--prometheus", "http://127.0.0.1:1"]
            )
            #expect(run.status == 1)
            #expect(run.errors == "lucarne: http://127.0.0.1:1: does not answer\n")
        }

        @Test func `a server's own rules and boards are for what it was told to promise`() throws {
            let server = try LucarneProcess.serving(
                ["--slo-availability", "99.5"],
                connection: try Database().connection,
                environment: ["LUCARNE_SLO_LATENCY_THRESHOLD": "500ms"]
            )
            let rules = try server.get("/alerts.yml").body
            #expect(rules.contains(#"{slo="availability"} > (14.4 * 0.005)"#))
            #expect(rules.contains(#"le="0.5""#) && !rules.contains("latency250ms"))
            let board = try server.get("/dashboards/lucarne-slo.json").body
            #expect(board.contains("99.5 % of requests") && !board.contains("250 ms"))
        }

        @Test func `promtool finds nothing to complain of`() throws {
            let rules = Repository.root + "/prometheus/rules"
            let run = try Command.run(
                "/usr/bin/promtool",
                ["check", "rules", "\(rules)/recording.yml", "\(rules)/alerts.yml"]
            )
            #expect(run.status == 0, "\(run.output)\(run.errors)")
            let server = try Self.busyServer()
            _ = try server.get("/rest/v1/planets?limit=1")
            let metrics = try server.get("/metrics").body
            let file = server.directory + "/metrics"
            try metrics.write(toFile: file, atomically: true, encoding: .utf8)
            let check = "promtool check metrics < '\(file)'"
            let lint = try Command.run("/bin/sh", ["-c", check])
            #expect(lint.status == 0, "\(lint.output)\(lint.errors)")
        }

        /// A server whose database has something slow, something broken and something to write.
        private static func busyServer() throws -> LucarneProcess {
            let database = try Database()
            try database.psql(
                """
                create table facts (id bigint primary key);
                create function broken() returns int language plpgsql as
                $$ begin raise sqlstate 'PT503' using message = 'broken'; end $$;
                create function slow() returns text language sql volatile as
                $$ select 'done' from pg_sleep(0.3) $$;
                create function sever() returns bigint language sql security definer volatile as
                $$ select count(pg_terminate_backend(pid)) from pg_stat_activity
                where datname = current_database() and state = 'idle'
                and pid <> pg_backend_pid() $$
                """
            )
            // Nobody listens there: how long an export took is known all the same.
            let server = try LucarneProcess.serving(
                ["--otlp-url", "http://127.0.0.1:9", "--keep-one-trace-in", "1"],
                connection: database.connection
            )
            try database.psql("grant all on facts to service_role")
            return server
        }

        private static func verify(_ prometheus: Daemon, _ more: String...) throws -> Command {
            try Command.run(
                Repository.binary.path,
                ["telemetry", "verify", "--prometheus", prometheus.base] + more
            )
        }

        /// A rate needs two scrapes, a recorded one an evaluation more.
        private static func expectData(_ prometheus: Daemon) throws {
            var report = try verify(prometheus, "--strict")
            _ = try eventually(within: 15) {
                if report.status != 0 { report = try verify(prometheus, "--strict") }
                return report.status == 0
            }
            #expect(report.status == 0, "\(report.output)\(report.errors)")
        }

        private static func expectExemplarsOpen(
            _ prometheus: Daemon,
            _ server: LucarneProcess,
            _ form: HistogramForm
        ) throws {
            let name = "http_server_request_duration_seconds"
            let seen = try prometheus.exemplars(of: form == .native ? name : name + "_bucket")
            #expect(!seen.isEmpty)
            // The store keeps the latest of each kind; an exemplar seen earlier may be gone from it.
            let latest = try server.get(
                "/metrics",
                "-H",
                "Accept: application/openmetrics-text;version=1.0.0"
            ).body.matches(of: /trace_id="([0-9a-f]{32})"/).map { String($0.1) }
            #expect(!latest.isEmpty)
            for trace in Set(latest) {
                #expect(try server.get("/debug/traces/\(trace)").status == 200)
            }
        }
    }
}

/// The two ways in which a Prometheus takes a histogram that offers both.
enum HistogramForm: Sendable {
    case classic, native

    /// With the label that an operator attaches, and without.
    var namespace: String? { self == .native ? "prod" : nil }
    var features: [String] { self == .native ? ["native-histograms"] : [] }
}
