// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct ProfileTests {
        /// Asks for rows without a pause, for as long as it exists.
        private final class Load {
            private let process = Process()

            init(on server: LucarneProcess) throws {
                process.executableURL = URL(filePath: "/usr/bin/env")
                let url = server.base + "/rest/v1/planets?id=eq.[1-1000000]"
                process.arguments = ["curl", "-s", "--max-time", "120", "-o", "/dev/null", url]
                process.standardInput = FileHandle.nullDevice
                process.standardOutput = FileHandle.nullDevice
                process.standardError = FileHandle.nullDevice
                try process.run()
            }

            // Not asked politely: it may have inherited a mask that blocks SIGTERM.
            deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
        }

        private func profile(_ server: LucarneProcess, _ query: String) throws -> Reply {
            try server.get("/debug/profile?" + query)
        }

        @Test func `under load a profile shows what serves, in both formats, and disturbs nobody`()
            throws
        {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let load = try (0..<2).map { _ in try Load(on: server) }
            var folded = Reply()
            // A machine with other things to do gives the process less time: look longer then.
            for _ in 0..<10 where !folded.body.contains("RestController") {
                folded = try profile(server, "seconds=2")
                #expect(folded.status == 200)
            }
            #expect(folded.headers["content-type"] == "text/plain; charset=utf-8")
            let lines = folded.body.split(separator: "\n")
            let counts = lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
            #expect(counts.count == lines.count)
            let samples = try #require(Int(folded.headers["x-profile-samples"] ?? ""))
            #expect(counts.reduce(0, +) == samples && samples > 0)
            #expect(folded.headers["x-profile-lost"] == "0")
            #expect(folded.body.contains("RestController"), "\(folded.body.prefix(2_000))")

            let file = server.directory + "/profile"
            let url = server.base + "/debug/profile?seconds=2&format=pprof"
            let run = try Command.run("/usr/bin/env", ["curl", "-sf", "-o", file, url])
            #expect(run.status == 0)
            let unpacked = try Command.run(
                "/bin/sh",
                ["-c", "gzip -dc \(file) | grep -ac RestController"]
            )
            #expect(unpacked.status == 0)
            let tool = "/usr/lib/go-1.19/pkg/tool/linux_amd64/pprof"
            if FileManager.default.isExecutableFile(atPath: tool) {
                let top = try Command.run(tool, ["-symbolize=none", "-top", "-cum", file])
                #expect(top.status == 0 && top.output.contains("RestController"), "\(top.errors)")
            }
            // Whoever was served in the meantime was served well.
            withExtendedLifetime(load) {}
            #expect(try server.metric("http_server_request_duration_seconds_count", #"="5"#) == 0)
            #expect(try server.get("/rest/v1/planets?limit=1").status == 200)
        }

        @Test func `one profile at a time, and one whose client has left is none`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            #expect(try profile(server, "seconds=1&format=svg").status == 400)
            let taken = Promise<Reply>()
            Thread.detachNewThread { [self] in
                taken.fulfil(
                    Result {
                        var reply = Reply()
                        repeat {
                            reply = try profile(server, "seconds=4")
                        } while reply.status == 409
                        return reply
                    }
                )
            }
            let isBusy = try eventually(within: 10) {
                try profile(server, "seconds=1").status == 409
            }
            #expect(isBusy)
            #expect(try taken.value(within: 30).status == 200)
            let left = try Command.run(
                "/usr/bin/env",
                ["curl", "-s", "--max-time", "1", server.base + "/debug/profile?seconds=60"]
            )
            #expect(left.status != 0)
            let isFree = try eventually(within: 20) {
                try profile(server, "seconds=1").status == 200
            }
            #expect(isFree)
        }
    }
}
