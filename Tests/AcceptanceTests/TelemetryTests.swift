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

        @Test func `a request is one JSON record with the trace it came with`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
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
