// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    /// The doors to what is inside, on the listener that the API has as well.
    @Suite(.serialized) struct OperationsTests {
        @Test func `a web page may call the API and ask the probes, and not look inside`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let page = ["-H", "Origin: https://page.example"]
            for path in ["/rest/v1/planets?limit=1", "/readyz"] {
                let reply = try server.get(path, page[0], page[1])
                #expect(reply.status == 200)
                #expect(reply.headers["access-control-allow-origin"] == "*", "\(path)")
                #expect(reply.headers["timing-allow-origin"] == "*", "\(path)")
            }
            for path in ["/metrics", "/debug/config", "/debug/bundle", "/dashboards"] {
                #expect(try server.get(path).status == 200, "\(path)")
                let reply = try server.get(path, page[0], page[1])
                #expect(reply.status == 403, "\(path)")
                #expect(reply.headers["access-control-allow-origin"] == nil, "\(path)")
                #expect(try server.get(path, "-H", "Host: page.example").status == 403, "\(path)")
                let preflight = try server.get(
                    path,
                    page[0],
                    page[1],
                    "-H",
                    "Access-Control-Request-Method: GET",
                    "-X",
                    "OPTIONS"
                )
                #expect(preflight.headers["access-control-allow-origin"] == nil, "\(path)")
            }
        }

        @Test func `without operations among the features there are the probes, and no more`()
            throws
        {
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: ["LUCARNE_FEATURES": "rest"]
            )
            for path in ["/livez", "/readyz", "/startupz", "/rest/v1/planets?limit=1"] {
                #expect(try server.get(path).status == 200, "\(path)")
            }
            for path in ["/metrics", "/debug", "/debug/config", "/dashboards", "/alerts.yml"] {
                #expect(try server.get(path).status == 404, "\(path)")
            }
        }

        @Test func `where anybody may look inside, production says so at its start`() throws {
            let apart = Int.random(in: 12_000..<20_000)
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: [
                    "LUCARNE_ENVIRONMENT": "production",
                    "LUCARNE_OPERATIONS_ADDRESS": "0.0.0.0:\(apart)",
                ]
            )
            let warnings = try server.records().filter {
                $0["event"] as? String == "operations.open"
            }
            #expect(warnings.map { $0["level"] as? String } == ["warning"])
            #expect(warnings.map { $0["server.address"] as? String } == ["0.0.0.0:\(apart)"])
        }
    }
}
