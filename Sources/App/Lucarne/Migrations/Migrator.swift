// SPDX-License-Identifier: Apache-2.0
internal import PostgresClient

/// Brings one database up to date, once, however many processes try.
struct Migrator: ~Copyable {
    private let session: BlockingSession

    /// Any number will do, as long as it is always this one.
    private static let lockKey = 5_495_138_746_911_262

    init(connection: String, timeoutSeconds: Int = 10) throws(StartFailure) {
        do throws(PostgresFailure) {
            session = try BlockingSession(connection, timeoutSeconds: timeoutSeconds)
        } catch {
            throw StartFailure("cannot connect to PostgreSQL: \(error.summary)")
        }
    }

    /// Makes what is being applied fail, from any thread.
    var cancel: @Sendable () -> Void { session.cancel }

    /// Applies what is pending, ours first. Returns the names of the user's that were applied.
    func migrate(_ migrations: [Migration]) throws(StartFailure) -> [String] {
        try reporting("migrations") { () throws(PostgresFailure) in
            try session.run("SET lock_timeout = '60s'; SET client_min_messages = warning")
            _ = try session.query("SELECT pg_advisory_lock($1::bigint)", ["\(Self.lockKey)"])
            try session.run("SET lock_timeout = 0")
        }
        defer { try? session.run("SELECT pg_advisory_unlock_all()") }
        try applySystem()
        // Read under the lock: another process may have applied some while we waited.
        let pending = try Migration.pending(migrations, applied: try applied())
        for migration in pending { try apply(migration, recordedAs: migration.name) }
        if !pending.isEmpty { try? session.run("NOTIFY pgrst, 'reload schema'") }
        return pending.map(\.name)
    }

    /// What `migrate` would apply, without applying it.
    func pending(_ migrations: [Migration]) throws(StartFailure) -> [String] {
        let applied = try hasRecord() ? try applied() : [:]
        let system = SystemMigration.scripts.map {
            Migration(name: "lucarne/\($0.name)", sql: $0.sql)
        }
        .filter { applied[$0.name] != $0.checksum }
        return try (system + Migration.pending(migrations, applied: applied)).map(\.name)
    }

    /// How far the schema is.
    func standing(of migrations: [Migration]) throws(StartFailure) -> MigrationStanding {
        try reporting("migrations") { () throws(PostgresFailure) in
            try session.run("SET statement_timeout = '5s'")
        }
        return MigrationStanding(migrations, applied: try hasRecord() ? try applied() : [:])
    }

    private func applySystem() throws(StartFailure) {
        if try !hasRecord() {
            try reporting("migrations") { () throws(PostgresFailure) in
                try session.run(SystemMigration.record)
            }
        }
        let applied = try applied()
        for script in SystemMigration.scripts {
            let migration = Migration(name: "lucarne/\(script.name)", sql: script.sql)
            if applied[migration.name] == migration.checksum { continue }
            try apply(migration, recordedAs: migration.name)
        }
    }

    private func hasRecord() throws(StartFailure) -> Bool {
        try reporting("migrations") { () throws(PostgresFailure) in
            try session.query("SELECT to_regclass('lucarne.migrations')").first?.first != .some(nil)
        }
    }

    private func applied() throws(StartFailure) -> [String: String] {
        let rows = try reporting("migrations") { () throws(PostgresFailure) in
            try session.query("SELECT name, checksum FROM lucarne.migrations")
        }
        var applied: [String: String] = [:]
        for row in rows { applied[row[0] ?? ""] = row[1] }
        return applied
    }

    /// The file and its record in one transaction: both, or neither.
    private func apply(_ migration: Migration, recordedAs name: String) throws(StartFailure) {
        let clock = ContinuousClock()
        let start = clock.now
        do throws(PostgresFailure) {
            try session.run("BEGIN")
            try session.run(migration.sql)
            guard session.isInTransaction else { throw .closed }
            // Dumps empty the search path, and scripts change the role: ours must not depend on it.
            try session.run("RESET ROLE; RESET ALL")
            let milliseconds = (clock.now - start).nanoseconds / 1_000_000
            _ = try session.query(
                """
                INSERT INTO lucarne.migrations (name, checksum, milliseconds) VALUES ($1, $2, $3)
                ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()
                """,
                [name, migration.checksum, "\(milliseconds)"]
            )
            try session.run("COMMIT")
        } catch {
            try? session.run("ROLLBACK")
            throw failure(error, in: migration)
        }
    }

    private func failure(_ error: PostgresFailure, in migration: Migration) -> StartFailure {
        switch error {
        case .closed:
            return StartFailure(
                "migration \(migration.name) ends its own transaction: remove its COMMIT or ROLLBACK"
            )
        case .server(let refusal):
            let line = refusal.position.map { ":\(migration.line(ofCharacter: $0))" } ?? ""
            let hint = refusal.sqlState == "42501" ? "; run migrate as the database's owner" : ""
            return StartFailure(
                "migration \(migration.name)\(line): \(error.summary)\(hint)"
            )
        default:
            return StartFailure("migration \(migration.name): \(error.summary)")
        }
    }

    private func reporting<Value>(
        _ what: String,
        _ body: () throws(PostgresFailure) -> Value
    ) throws(StartFailure) -> Value {
        do throws(PostgresFailure) {
            return try body()
        } catch {
            var hint = ""
            if case .server(let refusal) = error, refusal.sqlState == "42501" {
                hint =
                    "; run lucarne migrate as the database's owner, and serve with "
                    + "--migrate-on-start off"
            }
            throw StartFailure("\(what): \(error.summary)\(hint)")
        }
    }
}

extension PostgresFailure {
    /// For the operator, on one line.
    var summary: String {
        switch self {
        case .server(let error):
            "\(error.message) (\(error.sqlState))" + (error.detail.map { ": \($0)" } ?? "")
        case .connectionLost(let reason), .unavailable(let reason): reason
        case .exhausted, .acquireTimedOut, .deadlinePassed, .closed: "\(self)"
        }
    }
}
