// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct StartTests {
        private static let isMigratedElsewhere = ["LUCARNE_MIGRATE_ON_START": "false"]

        /// Who listens to changes; the catalog; the migrations' record.
        @Test(arguments: ["LISTEN ", "pg_enum", "READ ONLY; SET LOCAL statement_timeout"])
        func `told to stop before it serves, it waits for no answer`(word: String) throws {
            let pooler = try Daemon.frozenPooler(before: try Database(), at: word)
            let server = try LucarneProcess(
                ["serve"],
                connection: pooler.connection,
                environment: Self.isMigratedElsewhere
            )
            #expect(try eventually(within: 20) { pooler.daemon.output.contains("frozen") })
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 20) == 0, "\(server.output)")
        }
    }
}

extension Daemon {
    /// What passes on what is said to the database, until somebody says the word: then `whom`, "all"
    /// or the "one" who said it, hears nothing more.
    fileprivate static func frozenPooler(
        before database: Database,
        at word: String,
        for whom: String = "all"
    ) throws -> (daemon: Daemon, connection: String) {
        let socket = database.server.directory + "/socket/.s.PGSQL.5432"
        let client = Repository.root + "/Tests/Clients/frozen.py"
        let daemon = try Daemon("python3", files: [:]) { [client, "\($1)", socket, word, whom] }
        let connection =
            "host=127.0.0.1 port=\(daemon.port) user=postgres dbname=\(database.name)"
        let isThere = try eventually(within: 20) {
            try Command.run("/usr/bin/env", ["pg_isready", "-q", "-d", connection]).status == 0
        }
        try #require(isThere, "\(daemon.output)")
        return (daemon, connection)
    }
}
