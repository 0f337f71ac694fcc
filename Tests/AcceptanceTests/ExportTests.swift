// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct ExportTests {
        private struct Received: Decodable {
            var path: String
            var names: [String]
            var keys: [String]
            var exemplars: [String]
            var errors: [String]
        }

        private static func receiver() throws -> Daemon {
            try Daemon(Repository.python, files: [:]) {
                ["\(Repository.root)/Tests/Clients/otlp.py", "\($1)", "\($0)/received"]
            }.ready("/")
        }

        private static func received(_ receiver: Daemon) throws -> [Received] {
            let path = receiver.directory + "/received"
            let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
            return try text.split(separator: "\n").map {
                try JSONDecoder().decode(Received.self, from: Data($0.utf8))
            }
        }

        @Test func `what is exported keeps OpenTelemetry's schema, all three signals`() throws {
            let receiver = try Self.receiver()
            let server = try LucarneProcess.serving(
                [
                    "--otlp-url", receiver.base, "--otlp-signals", "traces,logs,metrics",
                    "--keep-one-trace-in", "1", "--otlp-metrics-period", "1s",
                ],
                connection: try Database().connection
            )
            for _ in 0..<20 { _ = try server.get("/rest/v1/planets?select=name") }
            _ = try server.get("/rest/v1/nowhere")
            var exemplars: Set<String> = []
            _ = try eventually(within: 20) {
                exemplars = Set(try Self.received(receiver).flatMap(\.exemplars))
                return !exemplars.isEmpty
            }
            #expect(!exemplars.isEmpty)
            for trace in exemplars {
                #expect(try server.get("/debug/traces/\(trace)").status == 200)
            }
            server.signal(SIGTERM)
            #expect(try server.exitCode() == 0)
            let received = try Self.received(receiver)
            #expect(received.flatMap(\.errors) == [])
            func names(_ path: String) -> Set<String> {
                Set(received.filter { $0.path == path }.flatMap(\.names))
            }
            #expect(names("/v1/traces").contains("GET /rest/v1/{relation}"))
            #expect(names("/v1/logs").contains("request"))
            let metrics = names("/v1/metrics")
            #expect(metrics.contains("http_server_request_duration_seconds"))
            #expect(metrics.contains("lucarne_request_layer_duration_seconds"))
            let text = try Repository.text(of: "docs/metrics.md")
            let families = Set(text.matches(of: /### `([a-z0-9_]+)`/).map { String($0.1) })
            #expect(metrics.isSubset(of: families), "\(metrics.subtracting(families))")
        }

        @Test func `a slow statement's trace leaves with its plan`() throws {
            let receiver = try Self.receiver()
            let server = try LucarneProcess.serving(
                ["--otlp-url", receiver.base, "--otlp-signals", "traces"],
                connection: try Database().connection,
                environment: ["LUCARNE_SLOW_STATEMENT": "0ms", "LUCARNE_KEEP_ONE_TRACE_IN": "0"]
            )
            #expect(try server.get("/rest/v1/planets?select=name").status == 200)
            let hasLeft = try eventually(within: 20) { try !Self.received(receiver).isEmpty }
            #expect(hasLeft, "\(server.output)")
            let first = try #require(try Self.received(receiver).first)
            #expect(first.errors == [])
            #expect(first.keys.contains("lucarne.plan"), "\(first.keys)")
        }
    }
}
