// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct LogFileTests {
        @Test func `where there is no room, the file holds whole records and the ledger is true`()
            throws
        {
            let path = NSTemporaryDirectory() + "lucarne-log-\(UInt64.random(in: 0 ... .max))"
            defer { try? FileManager.default.removeItem(atPath: path) }
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: ["LUCARNE_LOG_FILE": path, "LUCARNE_LOG_STDOUT": "off"]
            )
            func limit(_ bytes: String) throws {
                let limits = "--fsize=\(bytes):unlimited"
                let run = try Command.run(
                    "/usr/bin/env",
                    ["prlimit", "--pid", "\(server.processID)", limits]
                )
                try #require(run.status == 0, "\(run.errors)")
            }
            func lines() throws -> [Substring] {
                let text = try String(contentsOfFile: path, encoding: .utf8)
                #expect(text.hasSuffix("\n"))
                let lines = text.split(separator: "\n")
                for line in lines {
                    _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
                }
                return lines
            }
            func isTrue() throws -> Bool {
                let written = try server.metric("lucarne_log_records_written_total", "file")
                return try lines().count == Int(written)
            }
            #expect(try eventually(within: 10) { try isTrue() })
            // Room for the beginning of a record.
            try limit("\(try lines().reduce(100) { $0 + $1.utf8.count + 1 })")
            for _ in 0..<5 { _ = try server.get("/rest/v1/planets?limit=1") }
            #expect(
                try eventually(within: 10) {
                    try server.metric("lucarne_log_sink_errors_total", "file") > 0
                }
            )
            #expect(try eventually(within: 10) { try isTrue() })
            try limit("unlimited")
            let last = try server.get("/rest/v1/planets?limit=2")
            let id = last.headers["x-request-id"] ?? "none"
            #expect(try eventually(within: 10) { try lines().contains { $0.contains(id) } })
            #expect(try eventually(within: 10) { try isTrue() })
        }
    }
}
