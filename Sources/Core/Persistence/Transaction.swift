// SPDX-License-Identifier: Apache-2.0
package import PostgresClient

/// What one request does to the database, as a value: settings, then statements, then an end.
///
/// Settings are local to the transaction (`set_config(…, true)`), so a role never outlives its
/// request on a pooled connection.
package struct Transaction: Sendable {
    package enum Access: Equatable, Sendable { case readOnly, readWrite }

    package enum Ending: Sendable {
        case commit
        /// Run everything, keep nothing.
        case rollback
        /// Commit when the results are acceptable: a problem thrown here undoes the statements.
        case commitUnless
        /// Goes on, with what comes of its results (`Database.open`).
        case open
    }

    /// Where its results say how many rows they stand for.
    package enum Rows: Sendable {
        /// They are the rows.
        case returned
        /// The one row of the statement at `index` has it in this column.
        case told(index: Int, column: Int, unless: Excess? = nil)
        /// They are those of the last statement, and what is fetched later (`Database.open`).
        case fetched
    }

    /// When nothing of the one row is answered, because there are too many rows for it.
    package struct Excess: Sendable {
        /// There are more than these,
        package var over: Int
        /// or this column has how many more there are.
        package var leftOutColumn: Int

        package init(over: Int, leftOutColumn: Int) {
            self.over = over
            self.leftOutColumn = leftOutColumn
        }
    }

    /// Low in cardinality: `SELECT planets`. What dashboards and slow-query logs say.
    package var summary: String
    /// Where it looks for names, if a request has said so.
    package var schema = ""
    package var access: Access
    /// `SERIALIZABLE`, `REPEATABLE READ`; nil for the server's default.
    package var isolation: String?
    /// In order; the role among them.
    package var settings: LocalSettings
    /// What `pg_stat_activity` calls the session while this runs.
    package var applicationName: String?
    /// Runs after the settings and before the statements, in the same round trip.
    package var preparation: [Query]
    package var statements: [Query]
    package var ending: Ending
    /// What metrics, logs and traces call the statement's rows.
    package var rows = Rows.returned
    /// Where statements like these learn whether they may share a transaction; nil where no two
    /// are alike.
    package var sharing: Sharing?

    package init(
        summary: String,
        access: Access,
        isolation: String? = nil,
        settings: LocalSettings = .none,
        preparation: [Query] = [],
        statements: [Query],
        ending: Ending = .commit,
        sharing: Sharing? = nil
    ) {
        self.summary = summary
        self.access = access
        self.isolation = isolation
        self.settings = settings
        self.preparation = preparation
        self.statements = statements
        self.ending = ending
        self.sharing = sharing
    }

    /// A block of its own needs BEGIN; otherwise the pipeline's implicit transaction does.
    var isExplicit: Bool {
        if isolation != nil { return true }
        return switch ending {
        case .commit: false
        case .rollback, .commitUnless, .open: true
        }
    }

    /// One exchange, which settings and statements are all there is of.
    var mayShare: Bool {
        access == .readOnly && !isExplicit && sharing?.isAllowed == true
            && preparation.isEmpty && applicationName == nil
            // Refused before anything is sent, which would refuse the whole group.
            && !statements.contains(where: \.parameters.hasNUL)
    }

    /// Everything up to the transaction's end, for one round trip.
    var opening: [Query] {
        var queries: [Query] = []
        queries.reserveCapacity(statements.count + preparation.count + 3)
        if isExplicit { queries.append(begin) }
        if hasSettingsQuery { queries.append(settings.query(readOnly: saysReadOnly)) }
        if let applicationName { queries.append(.calling(itself: applicationName)) }
        queries.append(contentsOf: preparation)
        queries.append(contentsOf: statements)
        if case .rollback = ending { queries.append(.rollback) }
        if case .commit = ending, isExplicit { queries.append(.commit) }
        return queries
    }

    /// Where the statements' results lie among those of `opening`.
    var statementRange: Range<Int> {
        let named = applicationName == nil ? 0 : 1
        let first = (isExplicit ? 1 : 0) + (hasSettingsQuery ? 1 : 0) + named + preparation.count
        return first..<first + statements.count
    }

    /// Of the statements' results.
    func rowCount(of results: [QueryResult]) -> Int {
        switch rows {
        case .returned: return results.reduce(0) { $0 + $1.rowCount }
        case .told(let index, let column, let excess):
            guard index < results.count, results[index].rowCount > 0 else { return 0 }
            let rows = results[index].integer(0, column) ?? 0
            guard let excess else { return rows }
            let leftOut = results[index].integer(0, excess.leftOutColumn) ?? 0
            return rows > excess.over || leftOut > 0 ? 0 : rows
        case .fetched: return results.last?.rowCount ?? 0
        }
    }

    private var begin: Query {
        let level = isolation.map { " ISOLATION LEVEL \($0)" } ?? ""
        return .control("BEGIN\(level) READ \(access == .readOnly ? "ONLY" : "WRITE")")
    }

    /// An implicit transaction has no BEGIN to say so.
    private var saysReadOnly: Bool { access == .readOnly && !isExplicit }
    private var hasSettingsQuery: Bool { saysReadOnly || !settings.isEmpty }
}

extension Query {
    static let commit = control("COMMIT")
    static let rollback = control("ROLLBACK")

    /// Never prepared: a failed block refuses PREPARE, and DEALLOCATE for it, and would stay open.
    fileprivate static func control(_ sql: String) -> Query { Query(sql, isPrepared: false) }

    fileprivate static func calling(itself name: String) -> Query {
        Query("SELECT set_config('application_name', $1, true)", texts: [name])
    }
}
