// SPDX-License-Identifier: Apache-2.0
internal import PostgresClient
internal import Rest

extension Doctor {
    /// What can be seen through one connection.
    static func database(_ configuration: Configuration, _ connection: String) -> [Finding] {
        do throws(PostgresFailure) {
            let session = try BlockingSession(
                connection,
                timeoutSeconds: configuration.database.connectTimeout.secondsRoundedUp
            )
            return [
                version(session.serverVersion), try roles(configuration, session),
                try schemas(configuration, session), try unprotected(configuration, session),
                try migrations(configuration, connection, session),
            ]
        } catch {
            return [
                Finding(
                    .fault,
                    "database",
                    error.summary,
                    mend: "check DATABASE_URL with: psql \"$DATABASE_URL\" -c 'select 1'"
                )
            ]
        }
    }

    static func version(_ number: Int) -> Finding {
        let text = "PostgreSQL \(number / 10_000).\(number % 10_000)"
        guard number >= 130_000 else {
            return Finding(.fault, "database", "\(text) is too old", mend: "use 13 or later")
        }
        return Finding(.fine, "database", text)
    }

    private static func roles(
        _ configuration: Configuration,
        _ session: borrowing BlockingSession
    ) throws(PostgresFailure) -> Finding {
        var wanted = ["authenticated", "service_role"]
        if let anonymous = configuration.rest.anonymousRole { wanted.insert(anonymous, at: 0) }
        let rows = try session.query(
            """
            SELECT name, to_regrole(quote_ident(name)) IS NOT NULL,
                to_regrole(quote_ident(name)) IS NOT NULL AND pg_has_role(to_regrole(quote_ident(name)), 'MEMBER')
            FROM unnest(string_to_array($1, ',')) AS name
            """,
            [wanted.joined(separator: ",")]
        )
        let missing = rows.filter { $0[1] != "t" }.compactMap(\.first).compactMap(\.self)
        let foreign = rows.filter { $0[1] == "t" && $0[2] != "t" }.compactMap(\.first)
            .compactMap(\.self)
        guard missing.isEmpty else {
            return Finding(
                .fault,
                "roles",
                "missing: \(missing.joined(separator: ", "))",
                mend: "lucarne migrate"
            )
        }
        guard foreign.isEmpty else {
            let names = foreign.joined(separator: ", ")
            return Finding(
                .fault,
                "roles",
                "\(session.user) may not become \(names)",
                mend: "GRANT \(names) TO \(session.user);"
            )
        }
        return Finding(.fine, "roles", wanted.joined(separator: ", "))
    }

    private static func schemas(
        _ configuration: Configuration,
        _ session: borrowing BlockingSession
    ) throws(PostgresFailure) -> Finding {
        let rows = try session.query(
            """
            SELECT name FROM unnest($1::text[]) AS name
            WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = name)
            """,
            [arrayLiteral(configuration.rest.schemas)]
        )
        let missing = rows.compactMap { $0[0] }
        guard missing.isEmpty else {
            let names = missing.joined(separator: ", ")
            return Finding(
                .fault,
                "schemas",
                "exposed, but not there: \(names)",
                mend: "create them, or correct LUCARNE_REST_DB_SCHEMAS"
            )
        }
        return Finding(.fine, "schemas", configuration.rest.schemas.joined(separator: ", "))
    }

    private static func unprotected(
        _ configuration: Configuration,
        _ session: borrowing BlockingSession
    ) throws(PostgresFailure) -> Finding {
        guard let role = configuration.rest.anonymousRole else {
            return Finding(.fine, "row-level security", "no anonymous role: nobody asks unnamed")
        }
        let rows = try session.query(
            """
            SELECT format('%I.%I', n.nspname, c.relname)
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p') AND NOT c.relrowsecurity AND n.nspname = ANY ($1::text[])
                AND to_regrole(quote_ident($2)) IS NOT NULL
                AND has_table_privilege(to_regrole(quote_ident($2)), c.oid, 'INSERT, UPDATE, DELETE')
            ORDER BY 1
            """,
            [arrayLiteral(configuration.rest.schemas), role]
        )
        let names = rows.compactMap { $0[0] }
        guard let first = names.first else {
            return Finding(
                .fine,
                "row-level security",
                "no table that \(role) may write is without"
            )
        }
        return Finding(
            .warning,
            "row-level security",
            "\(role) may write \(names.joined(separator: ", ")) without any policy",
            mend: "ALTER TABLE \(first) ENABLE ROW LEVEL SECURITY;"
        )
    }

    private static func migrations(
        _ configuration: Configuration,
        _ connection: String,
        _ session: borrowing BlockingSession
    ) throws(PostgresFailure) -> Finding {
        do throws(StartFailure) {
            let migrations = try Migration.read(from: configuration.database.migrationsDirectory)
            let pending = try Migrator(connection: connection, configuration.database)
                .pending(migrations)
            guard !pending.isEmpty else { return Finding(.fine, "migrations", "all are applied") }
            let names = pending.joined(separator: ", ")
            return Finding(.warning, "migrations", "pending: \(names)", mend: "lucarne migrate")
        } catch {
            return Finding(.fault, "migrations", "\(error)")
        }
    }

    /// PostgreSQL's notation for a list of texts (§8.15.2).
    private static func arrayLiteral(_ texts: [String]) -> String {
        let quoted = texts.map { text in
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        return "{" + quoted.joined(separator: ",") + "}"
    }
}
