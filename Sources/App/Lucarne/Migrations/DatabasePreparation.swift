// SPDX-License-Identifier: Apache-2.0
internal import Telemetry

/// Where the database is, which is known before it is there: libpq strings.
struct DatabaseAddress {
    /// What requests are served through.
    let connection: String
    /// What may change the schema; the same one, where the database is not ours.
    let ownerConnection: String

    init(_ configuration: Configuration) {
        if let url = configuration.database.url {
            (connection, ownerConnection) = (url, url)
        } else {
            let directory = configuration.dataDirectory
            connection = EmbeddedPostgres.connection(in: directory)
            ownerConnection = EmbeddedPostgres.connection(in: directory, user: "postgres")
        }
    }
}

/// How far the database is.
package enum PreparationEvent: Sendable {
    case embedded(EmbeddedEvent)
    case connected
    case migrating(String)
    case migrated(String, nanoseconds: UInt64)
    /// No migration is left.
    case migratedAll
}

/// A database that can be served: running, reachable, migrated.
package struct PreparedDatabase: Sendable {
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
        observe: @escaping @Sendable (PreparationEvent) -> Void
    ) throws(StartFailure) -> PreparedDatabase {
        let settings = configuration.database
        let owner = DatabaseAddress(configuration).ownerConnection
        let migrations = try Migration.read(from: settings.migrationsDirectory)
        let began = uptimeNanoseconds()
        let embedded = try start(configuration, interruption, observe)
        let started = uptimeNanoseconds()
        do throws(StartFailure) {
            var applied: [String] = []
            if settings.migratesOnStart {
                let migrator = try interruption.wait { () throws(StartFailure) in
                    try Migrator(connection: owner, settings)
                }
                observe(.connected)
                try interruption.check()
                if embedded == nil {
                    applied = try interruption.wait(endedBy: migrator.cancel) {
                        () throws(StartFailure) in try migrator.migrate(migrations, observe)
                    }
                } else {
                    // Without its server a migration ends as well.
                    applied = try migrator.migrate(migrations, observe)
                }
                observe(.migratedAll)
            }
            try interruption.check()
            return PreparedDatabase(
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
        let owner = DatabaseAddress(configuration).ownerConnection
        return try Migrator(connection: owner, configuration.database).pending(migrations)
    }

    private static func start(
        _ configuration: Configuration,
        _ interruption: StartInterruption,
        _ observe: @escaping @Sendable (PreparationEvent) -> Void
    ) throws(StartFailure) -> EmbeddedPostgres? {
        guard configuration.database.url == nil else { return nil }
        return try EmbeddedPostgres.start(
            dataDirectory: configuration.dataDirectory,
            binaries: configuration.database.postgresDirectory,
            interruption: interruption
        ) { observe(.embedded($0)) }
    }
}
