// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

private let traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

extension AcceptanceTests {
    @Suite(.serialized) struct TelemetryTests {
        @Test func `one request moves its series by exactly one, and no other route's`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let name = "http_server_request_duration_seconds_count"
            func readings() throws -> [Double] {
                try [
                    server.metric(
                        name,
                        #"http_route="/rest/v1/{relation}""#,
                        #"http_request_method="GET""#
                    ),
                    server.metric(name, #"http_route="/livez""#),
                    server.metric(name, #"http_route="_unmatched""#),
                ]
            }
            let before = try readings()
            #expect(try server.get("/rest/v1/planets?limit=1").status == 200)
            let after = try readings()
            #expect(zip(before, after).map { $1 - $0 } == [1, 0, 0])
            #expect(try server.get("/no/such/route").status == 404)
            #expect(zip(after, try readings()).map { $1 - $0 } == [0, 0, 1])
        }

        @Test func `what is kept in memory is told, found or not, and let go`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(connection: database.connection)
            func told(
                _ family: String,
                _ cache: String,
                _ label: String = "cache="
            ) throws -> Double {
                try server.metric("lucarne_cache_\(family)", "cache=\"\(cache)\"", label)
            }
            let zeros = try server.get("/metrics").body
            for cache in ["plan", "token"] {
                for result in ["hit", "miss", "stale"] {
                    let labels = "cache=\"\(cache)\",result=\"\(result)\""
                    #expect(zeros.contains("lucarne_cache_lookups_total{\(labels)} 0\n"))
                }
            }
            let token = try server.token(role: "service_role")
            for id in 1...4 {
                let path = "/rest/v1/planets?select=name&id=eq.\(id)"
                #expect(try server.get(path, bearer: token).status == 200)
            }
            for cache in ["plan", "token"] {
                #expect(try told("lookups_total", cache, #"result="hit""#) == 3)
                #expect(try told("lookups_total", cache, #"result="miss""#) == 1)
                #expect(try told("entries", cache) == 1)
                #expect(try told("resident_bytes", cache) > 20)
            }
            _ = try database.psql("NOTIFY pgrst, 'reload schema'")
            let isLetGo = try eventually(within: 10) {
                try told("evictions_total", "plan", #"reason="invalidated""#) == 1
            }
            #expect(isLetGo)
            #expect(try told("entries", "plan") == 0)
            // Who may sign is as before: what tokens say is still known.
            #expect(try told("entries", "token") == 1)
        }

        @Test func `what the process tells of itself is true`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            for phase in ["config", "migrations", "listen"] {
                let name = "lucarne_startup_phase_seconds"
                #expect(try server.metric(name, "phase=\"\(phase)\"") > 0, "\(phase)")
            }
            let text = try server.get("/metrics").body
            #expect(!text.contains(#"postgres_server="unknown""#))
            #expect(!text.contains(#"fingerprint="unknown""#))
            let states = try server.records().compactMap { $0["state"] as? String }
            #expect(states == ["ready"])
            let overview = "dashboards/lucarne-overview.json"
            #expect(try server.get("/" + overview).body == Repository.text(of: overview))
            let rules = try server.get("/alerts.yml").body
            #expect(rules.contains("- record: ") && rules.contains("- alert: "))
            let build = try server.get("/debug/build").body
            #expect(
                !build.contains(#""postgres":"unknown""#) && build.contains(#""system":"Linux"#)
            )
        }

        @Test func `migrations are pending until somebody applies them`() throws {
            let connection = try Database().connection
            let server = try LucarneProcess.serving(
                connection: connection,
                environment: ["LUCARNE_MIGRATE_ON_START": "off"]
            )
            let isPending = try eventually(within: 10) {
                try server.metric("lucarne_migrations_pending") > 0
            }
            #expect(isPending)
            let run = try Command.run(
                Repository.binary.path,
                ["migrate"],
                environment: [
                    "DATABASE_URL": connection, "LUCARNE_JWT_SECRET": LucarneProcess.secret,
                    "LUCARNE_MIGRATIONS_DIRECTORY": Repository.root + "/docs/demo/migrations",
                ]
            )
            #expect(run.status == 0, "\(run.errors)")
            let isApplied = try eventually(within: 20) {
                try server.metric("lucarne_migrations_pending") == 0
            }
            #expect(isApplied)
            #expect(try server.metric("lucarne_migrations_version") > 0)
        }

        @Test func `a request is one JSON record with the trace it came with`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(connection: database.connection)
            let reply = try server.get(
                "/rest/v1/planets?select=name",
                "-H",
                "traceparent: 00-\(traceID)-00f067aa0ba902b7-01",
                "-H",
                "X-Request-Id: from-the-test"
            )
            #expect(reply.headers["x-request-id"] == "from-the-test")
            #expect(reply.headers["traceparent"]?.contains(traceID) == true)
            #expect(reply.headers["server-timing"] != nil)
            var found: [[String: Any]] = []
            _ = try eventually(within: 5) {
                found = try server.records().filter { "\($0["trace_id"] ?? "")" == traceID }
                return !found.isEmpty
            }
            #expect(found.count == 1, "\(server.output)")
            let text = "\(try #require(found.first))"
            for word in ["/rest/v1/{relation}", "anon", "from-the-test", "200", "sql", "pool_wait"]
            {
                #expect(text.contains(word), "\(word) in \(text)")
            }
            let name = try database.psql("select current_database()")
            let trace = try server.get("/debug/traces/\(traceID)").body
            #expect(trace.contains(#""stringValue":"\#(name)|public""#), "\(trace)")
            let metrics = try server.get("/metrics").body
            let series = #"db_namespace="\#(name)|public",db_query_summary="SELECT planets""#
            #expect(metrics.contains(series))
        }

        @Test func `a user's debug records come when they are asked for, and nobody else's`() throws
        {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let scope = try server.get("/debug/log-scope", "-d", #"{"user":"u-17","seconds":60}"#)
            #expect(scope.status == 200, "\(scope.body)")
            for user in ["u-17", "u-18"] {
                let token = try server.token(role: "service_role", subject: user)
                let header = "Authorization: Bearer \(token)"
                #expect(try server.get("/rest/v1/planets?limit=1", "-H", header).status == 200)
            }
            var requests: [[String: Any]] = []
            _ = try eventually(within: 5) {
                requests = try server.records().filter { $0["event"] as? String == "http.request" }
                return requests.count == 2
            }
            let users = requests.map { "\($0["user.id"] ?? "")" }
            #expect(users.sorted() == ["u-17", "u-18"])
            let traces = try server.records().filter { $0["event"] as? String == "request.layer" }
                .map { "\($0["trace_id"] ?? "")" }
            let own = requests.first { "\($0["user.id"] ?? "")" == "u-17" }?["trace_id"] as? String
            #expect(Set(traces) == Set([own].compactMap { $0 }))
        }

        @Test func `a refused credential is told with the request that showed it`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            for state in ["lucarne=keep", "other=1"] {
                let arguments = ["-H", "tracestate: \(state)", "-H", "Authorization: Bearer a.b.c"]
                let traceID = String(repeating: state == "other=1" ? "b" : "a", count: 32)
                let parent = ["-H", "traceparent: 00-\(traceID)-00f067aa0ba902b7-00"]
                #expect(try server.get("/rest/v1/planets", arguments + parent).status == 401)
            }
            var records: [[String: Any]] = []
            _ = try eventually(within: 20) {
                records = try server.records()
                return records.count { $0["event"] as? String == "http.request" } == 2
            }
            let refused = records.filter { $0["event"] as? String == "auth.refused" }
            let traces = refused.map { $0["trace_id"] as? String }
            #expect(traces == [String(repeating: "a", count: 32)])
            #expect(refused.first?["reason"] as? String == "malformed")
        }

        @Test func `readers of the tail that have left leave room`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            func count() throws -> Double { try server.metric("lucarne_log_tail_subscribers") }
            let readers = try (0..<8).map { _ in
                let reader = Process()
                reader.executableURL = URL(filePath: "/usr/bin/env")
                reader.arguments = ["curl", "-sN", server.base + "/debug/logs/tail"]
                reader.standardOutput = FileHandle.nullDevice
                try reader.run()
                return reader
            }
            #expect(try eventually(within: 30) { try count() == 8 })
            for reader in readers { kill(reader.processIdentifier, SIGKILL) }
            // Long before the next sign of life, which would find nobody as well.
            #expect(try eventually(within: 4) { try count() == 0 })
        }

        @Test func `a listener of its own keeps what is inside from the public one`() throws {
            let apart = Int.random(in: 12_000..<20_000)
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: [
                    "LUCARNE_OPERATIONS_ADDRESS": "127.0.0.1:\(apart)",
                    "LUCARNE_OPERATIONS_TOKEN": "s3cret",
                ]
            )
            for path in ["/metrics", "/debug", "/debug/bundle", "/debug/log-level", "/alerts.yml"] {
                #expect(try server.get(path).status == 404)
                let inside = try Command.run(
                    "/usr/bin/env",
                    ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"]
                        + ["http://127.0.0.1:\(apart)\(path)"]
                )
                #expect(inside.output == "401")
            }
            let bundle = try Command.run(
                "/bin/bash",
                [
                    "-c",
                    """
                    curl -s -H 'Authorization: Bearer s3cret' 127.0.0.1:\(apart)/debug/bundle |
                      tar tzf -
                    """,
                ]
            )
            #expect(
                bundle.output.contains("/metrics.txt") && bundle.output.contains("/threads.json")
            )
        }

        @Test func `the tail delivers over the wire, and ends with the drain`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let tail = Promise<Command>()
            let url = server.base + "/debug/logs/tail?q=level%3E%3Dinfo%20and%20route~relation"
            Thread.detachNewThread {
                tail.fulfil(
                    Result {
                        try Command.run("/usr/bin/env", ["curl", "-sN", "--max-time", "60", url])
                    }
                )
            }
            #expect(
                try eventually(within: 20) {
                    try server.metric("lucarne_log_tail_subscribers") == 1
                }
            )
            for _ in 0..<3 { #expect(try server.get("/rest/v1/planets?limit=1").status == 200) }
            #expect(try server.get("/nothing").status == 404)
            server.signal(SIGTERM)
            let run = try tail.value(within: 60)
            #expect(run.status == 0)
            let lines = run.output.split(separator: "\n")
            #expect(lines.count { $0.hasPrefix("data: {\"time\"") } == 3, "\(run.output)")
            #expect(lines.contains("event: end"))
            #expect(try server.exitCode() == 0)
        }

        @Test func `metrics are what Prometheus reads, in both formats`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            _ = try server.get("/rest/v1/planets?limit=1")
            let text = try server.get("/metrics")
            #expect(text.headers["content-type"]?.hasPrefix("text/plain; version=0.0.4") == true)
            let open = try server.get(
                "/metrics",
                "-H",
                "Accept: application/openmetrics-text;version=1.0.0"
            )
            #expect(open.headers["content-type"]?.hasPrefix("application/openmetrics-text") == true)
            #expect(open.body.hasSuffix("# EOF\n"))
            for family in [
                "http_server_active_requests", "lucarne_request_layer_self_seconds_total",
            ] {
                #expect(text.body.contains("# TYPE \(family)"))
            }
        }
    }
}
