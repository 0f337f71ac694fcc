// SPDX-License-Identifier: Apache-2.0
internal import Telemetry

/// A database that can be served: running, reachable, migrated.
package struct PreparedDatabase: Sendable {
    /// What requests are served through.
    package let connection: String
    /// What may change the schema; the same one, where the database is not ours.
    package let ownerConnection: String
    /// Nil when DATABASE_URL names a server.
    package let embedded: EmbeddedPostgres?
    /// The migrations that were applied just now.
    package let applied: [String]
    /// How long the embedded server took to start, and the migrations to be applied.
    package let took: (start: UInt64, migrations: UInt64)
}

extension PreparedDatabase {
    /// Starts the embedded server if there is no other, and migrates if the configuration says so.
    /// Blocks: call it before there are loops.
    package static func prepare(
        _ configuration: Configuration,
        interruption: StartInterruption = StartInterruption(),
        observe: @escaping @Sendable (EmbeddedEvent) -> Void
    ) throws(StartFailure) -> PreparedDatabase {
        let settings = configuration.database
        let migrations = try Migration.read(from: settings.migrationsDirectory)
        let began = uptimeNanoseconds()
        let embedded = try start(configuration, interruption, observe)
        let started = uptimeNanoseconds()
        do throws(StartFailure) {
            let owner = embedded?.connection(user: "postgres") ?? settings.url ?? ""
            var applied: [String] = []
            if settings.migratesOnStart {
                let migrator = try interruption.wait { () throws(StartFailure) in
                    try Migrator(connection: owner, settings)
                }
                // Without its server a migration ends as well.
                if embedded == nil { interruption.ends(migrator.cancel) }
                try interruption.check()
                applied = try migrator.migrate(migrations)
            }
            try interruption.check()
            return PreparedDatabase(
                connection: embedded?.connection() ?? owner,
                ownerConnection: owner,
                embedded: embedded,
                applied: applied,
                took: (started &- began, uptimeNanoseconds() &- started)
            )
        } catch {
            embedded?.stop()
            throw error
        }
    }

    /// The names of what is pending; nothing is changed.
    package static func pending(
        _ configuration: Configuration
    ) throws(StartFailure) -> [String] {
        let migrations = try Migration.read(from: configuration.database.migrationsDirectory)
        let embedded = try start(configuration, StartInterruption()) { _ in }
        defer { embedded?.stop() }
        let owner = embedded?.connection(user: "postgres") ?? configuration.database.url ?? ""
        return try Migrator(connection: owner, configuration.database).pending(migrations)
    }

    private static func start(
        _ configuration: Configuration,
        _ interruption: StartInterruption,
        _ observe: @escaping @Sendable (EmbeddedEvent) -> Void
    ) throws(StartFailure) -> EmbeddedPostgres? {
        guard configuration.database.url == nil else { return nil }
        return try EmbeddedPostgres.start(
            dataDirectory: configuration.dataDirectory,
            binaries: configuration.database.postgresDirectory,
            interruption: interruption,
            observe: observe
        )
    }
}
