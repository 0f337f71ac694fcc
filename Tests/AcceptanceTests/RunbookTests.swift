// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct RunbookTests {
        @Test func `what the runbooks say to run and to ask works as it is written`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(connection: database.connection)
            let guarded = try LucarneProcess.serving(
                connection: database.connection,
                environment: ["LUCARNE_OPERATIONS_TOKEN": Self.token]
            )
            let prometheus = try Daemon.prometheus(scraping: server)
            #expect(try eventually(within: 20) { try prometheus.values("up") == ["1"] })
            var counts = (commands: 0, queries: 0)
            for runbook in try Runbook.all() {
                for command in runbook.commands.map(Self.inside)
                where ["curl ", "psql ", "lucarne "].contains(where: command.hasPrefix) {
                    let run = try Self.run(command, guarded, database)
                    #expect(run.status == 0, "\(runbook.name): \(command)\n\(run.errors)")
                    counts.commands += 1
                }
                for query in runbook.queries {
                    let reply = try prometheus.get(
                        "/api/v1/query",
                        ["-G", "--data-urlencode", "query=\(query)"]
                    )
                    #expect(reply.status == 200, "\(runbook.name): \(query)\n\(reply.body)")
                    counts.queries += 1
                }
            }
            #expect(counts.commands > 15 && counts.queries > 30, "\(counts)")
        }

        private static let token = "a-token-for-operations"

        /// What a command runs in the container, which is here; another as it is.
        private static func inside(_ command: String) -> String {
            command.replacing(#"kubectl -n lucarne exec "$POD" -- lucarne"#, with: "lucarne")
        }

        private static func run(
            _ command: String,
            _ server: LucarneProcess,
            _ database: Database
        ) throws -> Command {
            let here = command.replacing("http://127.0.0.1:9464", with: server.base)
                .replacing("curl -s", with: "curl -sf")
            let folder = Repository.binary.deletingLastPathComponent().path
            let environment = [
                "PATH": "\(folder):/usr/bin:/bin", "DATABASE_URL": database.connection,
                "LUCARNE_ADDRESS": "127.0.0.1:\(server.port)",
                "LUCARNE_JWT_SECRET": LucarneProcess.secret, "TOKEN": token,
                "LUCARNE_MIGRATIONS_DIRECTORY": Repository.root + "/docs/demo/migrations",
            ]
            return try Command.run("/bin/bash", ["-c", here], environment: environment)
        }
    }
}
