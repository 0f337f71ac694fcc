// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    /// Each refusal is told once, under its route and the part of the request that is at fault.
    @Suite(.serialized) struct ValidationTests {
        private struct Case {
            var path: String
            var arguments: [String] = []
            var status: Int
            var route = "/rest/v1/{relation}"
            /// Nil: it is refused for something else, or not at all.
            var part: String?
        }

        private static let json = ["-H", "Content-Type: application/json"]
        private static let body = json + ["-X", "POST", "-d"]
        private static let function = "/rest/v1/rpc/{function}"

        private static let cases = [
            Case(path: "planets?select=name&limit=1", status: 200),
            Case(path: "planets?id=near.1", status: 400, part: "query"),
            Case(path: "planets?select=nothing(id)", status: 400, part: "query"),
            Case(path: "planets?limit=-1", status: 416, part: "query"),
            Case(path: "planets", arguments: ["-H", "Range: 5-2"], status: 416, part: "header"),
            Case(
                path: "planets",
                arguments: ["-H", "Accept: image/webp"],
                status: 406,
                part: "header"
            ),
            Case(
                path: "planets",
                arguments: ["-H", "Accept-Profile: secret"],
                status: 406,
                part: "header"
            ),
            Case(
                path: "planets",
                arguments: ["-H", "Prefer: handling=strict, nonsense"],
                status: 400,
                part: "header"
            ),
            Case(path: "observations", arguments: body + [#"{"note":"#], status: 400, part: "body"),
            Case(path: "observations", arguments: body + [#"{"x":1}"#], status: 400, part: "body"),
            Case(
                path: "observations?columns=x",
                arguments: body + [#"{"note":"a"}"#],
                status: 400,
                part: "query"
            ),
            Case(path: "nothing", status: 404, part: "path"),
            Case(path: "rpc/nothing", status: 404, route: function, part: "path"),
            Case(path: "planets/1", status: 404, route: "/rest/v1/{rest*}", part: "path"),
            // The method, what only PostgreSQL knows, and who may what are no matter of form.
            Case(
                path: "planets",
                arguments: ["-X", "TRACE"],
                status: 405
            ),
            Case(path: "planets?id=eq.x", status: 400),
            Case(path: "observations", arguments: body + [#"{"note":"a"}"#], status: 401),
        ]

        /// All series of the family but those at 0.
        private func told(_ server: LucarneProcess) throws -> [String: Double] {
            let name = "lucarne_validation_failures_total{"
            let lines = try server.get("/metrics").body.split(separator: "\n")
                .filter { $0.hasPrefix(name) && !$0.hasSuffix(" 0") }
            return try Dictionary(
                uniqueKeysWithValues: lines.map { line in
                    let words = line.dropFirst(name.count).split(separator: "} ")
                    return (String(words[0]), try #require(Double(words[1])))
                }
            )
        }

        @Test func `a request that is malformed, or means nothing, is counted by its faulty part`()
            throws
        {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let zeros = try server.get("/metrics").body
            for part in ["path", "query", "header", "body"] {
                for route in ["/rest/v1/{relation}", Self.function, "_unmatched"] {
                    let labels = "http_route=\"\(route)\",location=\"\(part)\""
                    #expect(zeros.contains("lucarne_validation_failures_total{\(labels)} 0\n"))
                }
            }
            var wanted: [String: Double] = [:]
            for row in Self.cases {
                let run = try Command.run(
                    "/usr/bin/env",
                    ["curl", "-s", "-i", "-g", "--max-time", "20"]
                        + ["\(server.base)/rest/v1/\(row.path)"] + row.arguments
                )
                let reply = Reply(curl: run.output)
                #expect(reply.status == row.status, "\(row.path): \(reply.body)")
                if let part = row.part {
                    wanted["http_route=\"\(row.route)\",location=\"\(part)\"", default: 0] += 1
                }
                #expect(try told(server) == wanted, "\(row.path)")
            }
        }

        @Test func `what many requests say wrong makes no series`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            func seriesCount() throws -> Int {
                try server.get("/metrics").body.split(separator: "\n")
                    .count { $0.hasPrefix("lucarne_validation_failures_total{") }
            }
            let before = try seriesCount()
            for number in 0..<50 {
                #expect(try server.get("/rest/v1/none\(number)?x\(number)=eq.1").status == 404)
            }
            #expect(try told(server).values.reduce(0, +) == 50)
            #expect(try seriesCount() == before)
        }
    }
}
