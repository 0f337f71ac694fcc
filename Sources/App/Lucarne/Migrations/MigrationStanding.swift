// SPDX-License-Identifier: Apache-2.0

/// How far a database's schema is.
struct MigrationStanding: Equatable, Sendable {
    /// The number that the last applied migration's name begins with; without one, how many are.
    var version: Int
    var pending: Int

    init(_ migrations: [Migration], applied: [String: String]) {
        let done = migrations.filter { applied[$0.name] != nil }
        let number = done.last.flatMap { Int($0.name.prefix { "0"..."9" ~= $0 }) }
        version = number ?? done.count
        pending = migrations.count - done.count
    }

    /// Blocks. Nil where there are no migrations, or the database does not tell.
    static func read(_ configuration: Configuration, _ connection: String) -> MigrationStanding? {
        let directory = configuration.database.migrationsDirectory
        do throws(StartFailure) {
            let migrations = try Migration.read(from: directory)
            guard !migrations.isEmpty else { return nil }
            return try Migrator(connection: connection, configuration.database)
                .standing(of: migrations)
        } catch {
            return nil
        }
    }
}
