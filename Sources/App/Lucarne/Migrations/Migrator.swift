// SPDX-License-Identifier: Apache-2.0
internal import PostgresClient
internal import Telemetry

/// Brings one database up to date, once, however many processes try.
struct Migrator: ~Copyable, Sendable {
    private let session: BlockingSession

    /// Any number will do, as long as it is always this one.
    private static let lockKey = 5_495_138_746_911_262

    init(
        connection: String,
        _ settings: Configuration.Database = Configuration.Database()
    ) throws(StartFailure) {
        let patience = settings.connectTimeout.secondsRoundedUp
        do throws(PostgresFailure) {
            session = try BlockingSession(connection, timeoutSeconds: patience)
        } catch {
            throw StartFailure("cannot connect to PostgreSQL: \(error.summary)")
        }
    }

    /// Makes what is being applied fail, from any thread.
    var cancel: @Sendable () -> Void { session.cancel }

    /// Applies what is pending, ours first. Returns the names of the user's that were applied.
    func migrate(
        _ migrations: [Migration],
        _ observe: (PreparationEvent) -> Void = { _ in }
    ) throws(StartFailure) -> [String] {
        var applied: [String] = []
        while let next = try step(migrations, observe) {
            if !next.isOurs { applied.append(next.name) }
        }
        if !applied.isEmpty { try? session.run("NOTIFY pgrst, 'reload schema'") }
        return applied
    }

    /// What `migrate` would apply, without applying it.
    func pending(_ migrations: [Migration]) throws(StartFailure) -> [String] {
        try unapplied(migrations).map(\.name)
    }

    /// How far the schema is.
    func standing(of migrations: [Migration]) throws(StartFailure) -> MigrationStanding {
        // Not the session's: a pooler hands that on.
        try reporting("migrations") { () throws(PostgresFailure) in
            try session.run("BEGIN READ ONLY; SET LOCAL statement_timeout = '5s'")
        }
        defer { try? session.run("ROLLBACK") }
        return MigrationStanding(migrations, applied: try hasRecord() ? try applied() : [:])
    }

    private func unapplied(_ migrations: [Migration]) throws(StartFailure) -> [Migration] {
        let applied = try hasRecord() ? try applied() : [:]
        let ours = SystemMigration.migrations.filter { applied[$0.name] != $0.checksum }
        return try ours + Migration.pending(migrations, applied: applied)
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

    /// Applies the next: the lock, the file and its record in one transaction, all or nothing. The
    /// lock is the transaction's, since a pooler may give the next one to another session.
    private func step(
        _ migrations: [Migration],
        _ observe: (PreparationEvent) -> Void
    ) throws(StartFailure) -> Migration? {
        do throws(StartFailure) {
            try reporting("migrations") { () throws(PostgresFailure) in
                try session.run(
                    """
                    BEGIN; SET LOCAL lock_timeout = '60s'; SET LOCAL client_min_messages = warning;
                    SELECT pg_advisory_xact_lock(\(Self.lockKey)); SET LOCAL lock_timeout = 0
                    """
                )
            }
            // Read under the lock: another process may have applied some while we waited.
            guard let next = try unapplied(migrations).first else {
                try? session.run("ROLLBACK")
                return nil
            }
            if !next.isOurs { observe(.migrating(next.name)) }
            let took = try apply(next)
            if !next.isOurs { observe(.migrated(next.name, nanoseconds: took)) }
            return next
        } catch {
            try? session.run("ROLLBACK")
            throw error
        }
    }

    /// Returns how long it took, in nanoseconds.
    private func apply(_ migration: Migration) throws(StartFailure) -> UInt64 {
        if try !hasRecord() {
            try reporting("migrations") { () throws(PostgresFailure) in
                try session.run(SystemMigration.record)
            }
        }
        let clock = ContinuousClock()
        let start = clock.now
        do throws(PostgresFailure) {
            let transaction = try session.query("SELECT txid_current()")
            try session.run(migration.sql)
            guard session.isInTransaction,
                try session.query("SELECT txid_current()") == transaction
            else { throw .closed }
            // Dumps empty the search path, and scripts change the role: ours must not depend on it.
            try session.run("RESET ROLE; RESET ALL")
            let took = (clock.now - start).nanoseconds
            // Only ours may run again.
            let again =
                "ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()"
            _ = try session.query(
                """
                INSERT INTO lucarne.migrations (name, checksum, milliseconds) VALUES ($1, $2, $3)
                \(migration.isOurs ? again : "")
                """,
                [migration.name, migration.checksum, "\(took / 1_000_000)"]
            )
            try session.run("COMMIT")
            return took
        } catch {
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
