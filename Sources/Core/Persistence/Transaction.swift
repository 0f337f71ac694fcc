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
    }

    /// Low in cardinality: `SELECT planets`. What dashboards and slow-query logs say.
    package var summary: String
    package var access: Access
    /// `SERIALIZABLE`, `REPEATABLE READ`; nil for the server's default.
    package var isolation: String?
    /// In order; the role among them.
    package var settings: [(name: String, value: String)] = []
    /// Runs after the settings and before the statements, in the same round trip.
    package var preparation: [Query] = []
    package var statements: [Query]
    package var ending: Ending

    package init(
        summary: String,
        access: Access,
        statements: [Query],
        ending: Ending = .commit
    ) {
        self.summary = summary
        self.access = access
        self.statements = statements
        self.ending = ending
    }

    /// A block of its own needs BEGIN; otherwise the pipeline's implicit transaction does.
    var isExplicit: Bool {
        if isolation != nil { return true }
        return switch ending {
        case .commit: false
        case .rollback, .commitUnless: true
        }
    }

    /// Everything up to the transaction's end, for one round trip.
    var opening: [Query] {
        var queries: [Query] = []
        queries.reserveCapacity(statements.count + preparation.count + 3)
        if isExplicit { queries.append(begin) }
        if hasSettingsQuery { queries.append(settingsQuery) }
        queries.append(contentsOf: preparation)
        queries.append(contentsOf: statements)
        if case .rollback = ending { queries.append(.rollback) }
        if case .commit = ending, isExplicit { queries.append(.commit) }
        return queries
    }

    /// Where the statements' results lie among those of `opening`.
    var statementRange: Range<Int> {
        let first = (isExplicit ? 1 : 0) + (hasSettingsQuery ? 1 : 0) + preparation.count
        return first..<first + statements.count
    }

    private var begin: Query {
        let level = isolation.map { " ISOLATION LEVEL \($0)" } ?? ""
        return Query("BEGIN\(level) READ \(access == .readOnly ? "ONLY" : "WRITE")")
    }

    /// An implicit transaction has no BEGIN to say so.
    private var saysReadOnly: Bool { access == .readOnly && !isExplicit }
    private var hasSettingsQuery: Bool { saysReadOnly || !settings.isEmpty }

    /// One statement for all settings. Names and values are parameters, so that the text depends
    /// on their number only and is prepared once.
    private var settingsQuery: Query {
        var parameters: [Query.Parameter] = []
        parameters.reserveCapacity(settings.count * 2)
        for (name, value) in settings {
            parameters.append(.text(name))
            parameters.append(.text(value))
        }
        let texts = saysReadOnly ? SettingsText.readOnly : SettingsText.readWrite
        let text =
            settings.count < texts.count
            ? texts[settings.count]
            : SettingsText.text(of: settings.count, isReadOnly: saysReadOnly)
        return Query(text, parameters)
    }
}

/// The text that sets so many settings, made once: this is on the way of every request.
private enum SettingsText {
    static let readOnly = (0..<48).map { text(of: $0, isReadOnly: true) }
    static let readWrite = (0..<48).map { text(of: $0, isReadOnly: false) }

    static func text(of count: Int, isReadOnly: Bool) -> String {
        var calls = (0..<count).map { "set_config($\($0 * 2 + 1), $\($0 * 2 + 2), true)" }
        if isReadOnly { calls.append("set_config('transaction_read_only', 'on', true)") }
        return "SELECT " + calls.joined(separator: ", ")
    }
}

extension Query {
    static let commit = Query("COMMIT")
    static let rollback = Query("ROLLBACK")
}
