// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct PrometheusTests {
        @Test func `a Prometheus that wants native histograms gets them, with exemplars`() throws {
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: ["LUCARNE_KEEP_ONE_TRACE_IN": "1"]
            )
            let prometheus = try Daemon.prometheus(
                scraping: server,
                features: ["native-histograms"]
            )
            let name = "http_server_request_duration_seconds"
            var quantile: [String] = []
            let isAnswered = try eventually(within: 60) {
                for _ in 0..<5 { _ = try server.get("/rest/v1/planets?select=name") }
                quantile = try prometheus.values(
                    "histogram_quantile(0.99, sum(rate(\(name){http_route=~\".*relation.*\"}[10s])))"
                )
                return quantile.contains { (Double($0) ?? .nan) > 0 }
            }
            #expect(isAnswered, "\(quantile) \(prometheus.output)")
            let seconds = try #require(quantile.first.flatMap { Double($0) })
            #expect(seconds < 30)
            let count = try prometheus.values(
                "histogram_count(\(name){http_route=~\".*relation.*\"})"
            )
            #expect(count.contains { (Double($0) ?? 0) >= 5 })
            // What has native buckets comes without classic ones, what has none comes with them.
            #expect(try prometheus.values("\(name)_bucket") == [])
            #expect(try !prometheus.values("lucarne_request_layer_duration_seconds_bucket").isEmpty)
            #expect(try prometheus.values("up") == ["1"])
            let exemplars = try prometheus.exemplars(of: name)
            #expect(!exemplars.isEmpty)
            for trace in exemplars {
                #expect(try server.get("/debug/traces/\(trace)").status == 200, "\(trace)")
            }
        }

        @Test func `a fleet that is scraped in both ways is counted whole`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let client = "\(Repository.root)/Tests/Clients/classic.py"
            let classic = try Daemon("python3", files: [:]) {
                [client, "\($1)", server.base + "/metrics"]
            }.ready("/")
            let prometheus = try Daemon.prometheus(
                scraping: server,
                and: classic,
                features: ["native-histograms"]
            )
            func value(_ expression: String) throws -> Double? {
                try prometheus.values(expression).first.flatMap { Double($0) }
            }
            // One server under two names: what is recorded of both is twice what each says.
            let name = "http_server_request_duration_seconds"
            let whole = "sum(job_route:http_requests:rate5m)"
            let halves = [
                "sum(rate(\(name)_count[5m]))", "histogram_count(sum(rate(\(name)[5m])))",
            ]
            var shares: [Double?] = []
            let isWhole = try eventually(within: 60) {
                for _ in 0..<5 { _ = try server.get("/rest/v1/planets?select=name") }
                shares = try halves.map { try value("\($0) / \(whole)") }
                return shares.allSatisfy { 0.4...0.6 ~= $0 ?? 0 }
            }
            #expect(isWhole, "\(shares) \(prometheus.output)")
            // Recorded of what is recorded: an evaluation later, perhaps.
            var slow: Double?
            _ = try eventually(within: 20) {
                slow = try value(#"slo:sli_error:ratio_rate5m{slo="latency250ms"}"#)
                return slow != nil
            }
            #expect(slow.map { abs($0) < 0.3 } == true, "\(slow ?? .nan)")
        }

        @Test func `what is exposed is OpenMetrics 1.0 to the letter, exemplars included`() throws {
            let server = try LucarneProcess.serving(
                ["--keep-one-trace-in", "1"],
                connection: try Database().connection
            )
            let token = try server.token(role: "service_role")
            for path in ["planets?select=name,moons(name)", "nothing", "planets?id=eq.word"] {
                _ = try server.get("/rest/v1/\(path)", bearer: token)
            }
            let reply = try server.get(
                "/metrics",
                "-H",
                "Accept: application/openmetrics-text;version=1.0.0"
            )
            #expect(reply.headers["content-type"]?.contains("version=1.0.0") == true)
            let run = try Self.readStrictly(reply.body, server)
            #expect(run.status == 0, "\(run.errors)")
            let lines = run.output.split(separator: "\n").map { $0.split(separator: " ") }
            let request = lines.first { $0[0] == "http_server_request_duration_seconds" }
            #expect(request?.count ?? 0 > 1 && lines.contains { $0[0].hasPrefix("db_client_") })
            for trace in request?.dropFirst() ?? [] {
                #expect(try server.get("/debug/traces/\(trace)").status == 200, "\(trace)")
            }
            for (right, wrong) in [
                ("# EOF\n", ""),
                ("# UNIT process_cpu_seconds seconds", "# UNIT process_cpu_seconds s"),
                (#"le="+Inf""#, #"le="Inf""#), (" # {trace_id=", " # {trace_id:"),
            ] {
                let changed = reply.body.replacing(right, with: wrong)
                #expect(changed != reply.body, "\(right)")
                #expect(try Self.readStrictly(changed, server).status != 0, "\(wrong)")
            }
        }

        private static func readStrictly(_ text: String, _ server: LucarneProcess) throws -> Command
        {
            let file = server.directory + "/exposition"
            try text.write(toFile: file, atomically: true, encoding: .utf8)
            return try Command.client("openmetrics", file)
        }

        @Test func `a running server's catalogue is what the documentation says`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let body = try server.get("/metrics/catalog").body
            let answer = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
            let families = try #require(answer?["families"] as? [[String: Any]])
            let text = try Repository.text(of: "docs/metrics.md")
            let sections = text.split(separator: "\n### `").dropFirst().map { "`" + $0 }
            #expect(families.count == sections.count)
            for family in families {
                let name = "\(family["name"] ?? "")"
                let section = try #require(
                    sections.first { $0.hasPrefix("`\(name)`\n") },
                    "\(name) is not documented"
                )
                #expect(section.contains("\n\n\(family["help"] ?? "")\n\n\(family["type"] ?? "")"))
                let labels = family["labels"] as? [String: Any] ?? [:]
                #expect(section.matches(of: /\n- `/).count == labels.count, "\(name)")
                for (label, values) in labels {
                    let known = values as? [String]
                    let words = known?.map { "`\($0)`" }.joined(separator: ", ")
                    let line = "\n- `\(label)`: \(words ?? "appears at run time")"
                    let isConfigured = section.contains("\n- `\(label)`: as configured")
                    #expect(isConfigured || section.contains(line), "\(name) \(label)")
                }
            }
        }

        @Test func `scrapers that leave in the middle cost nothing, and the next one gets all`()
            throws
        {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let open = try server.metric("process_open_fds")
            // 100 bytes are read of many thousand; then the connection is reset.
            let leave = """
                for turn in $(seq 200); do
                  exec 3<>/dev/tcp/127.0.0.1/\(server.port)
                  printf 'GET /metrics HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n' >&3
                  head -c 100 <&3 >/dev/null
                  exec 3>&-
                done
                """
            let run = try Command.run("/bin/bash", ["-c", leave])
            #expect(run.status == 0, "\(run.errors)")
            let whole = try server.get(
                "/metrics",
                "-H",
                "Accept: application/openmetrics-text;version=1.0.0"
            )
            #expect(whole.status == 200 && whole.body.hasSuffix("# EOF\n"))
            #expect(
                try eventually(within: 10) { try server.metric("process_open_fds") <= open + 2 }
            )
        }
    }
}

/// What a Prometheus is asked.
extension Daemon {
    /// The values of an instant query's vector, as they are written.
    func values(_ query: String) throws -> [String] {
        try result(of: "/api/v1/query", query).compactMap { series in
            (series["value"] as? [Any])?.last.map { "\($0)" }
        }
    }

    /// The trace ids of a metric's exemplars.
    func exemplars(of metric: String) throws -> Set<String> {
        let now = Date().timeIntervalSince1970
        let series = try result(
            of: "/api/v1/query_exemplars",
            metric,
            "start=\(now - 600)",
            "end=\(now + 60)"
        )
        let all = series.flatMap { $0["exemplars"] as? [[String: Any]] ?? [] }
        return Set(all.compactMap { ($0["labels"] as? [String: String])?["trace_id"] })
    }

    private func result(
        of path: String,
        _ query: String,
        _ parameters: String...
    ) throws -> [[String: Any]] {
        let parameters = ["query=\(query)"] + parameters
        let encoded = parameters.flatMap { ["--data-urlencode", $0] }
        let body = try get(path, ["-G"] + encoded).body
        let answer = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        if let list = answer?["data"] as? [[String: Any]] { return list }
        return (answer?["data"] as? [String: Any])?["result"] as? [[String: Any]] ?? []
    }
}
