// SPDX-License-Identifier: Apache-2.0
import LucarneCore
package import Persistence
package import PostgresClient
package import QueryPlanner

/// Everything one request does to the database, decided before any of it happens.
package struct RestTransaction: Sendable {
    /// A setting that an operator wants in each transaction, or of a role.
    package struct Setting: Equatable, Sendable {
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Rows from a cursor.
    package struct RestList: Sendable {
        package let format: ListFormat
        package let separator: StaticString
        package let cursor: Query
        /// The statement that counts them; without one they are counted by passing over them, and
        /// may turn out to be few.
        package let count: Query?
        /// How many rows are fetched with the first exchange.
        let rowsFirst: Int
    }

    /// What the statement's rows look like.
    package enum Shape: Sendable {
        /// The one row of `RestAnswer`; writes have one column more.
        case answer(isWrite: Bool)
        /// The lines that EXPLAIN prints.
        case plan
    }

    /// For dashboards: the same for every request to one relation.
    package var summary: String
    package var schema: String
    /// In order: settings of the role come before the role is taken on.
    package var settings: LocalSettings
    package var preRequest: QualifiedName?
    /// Its result is binary where the body is bytes that somebody's function made, to be sent as
    /// they are.
    package var statement: Query
    package var shape: Shape
    /// What all requests that run it have learned of it.
    package var sharing: Sharing?
    /// An EXPLAIN that estimates how many rows there are in all.
    package var countPlan: Query?
    /// How many rows the statement shows at most, where there may be more.
    var cut: Int?
    /// Where the rows are, or may be, too many for one answer: how they come one by one.
    package var list: RestList?
    package var isReadOnly: Bool
    package var isolation: String?
    /// Nothing of it stays (`db-tx-end`, `Prefer: tx=rollback`).
    package var rollsBack: Bool
    /// Throws where the answer is one the client did not allow: then, too, nothing of it stays.
    var check: (@Sendable (RestAnswer) throws(Problem) -> Void)?

    /// A read of nothing yet, by `identity`, under the settings that hold for its request.
    init(
        _ terms: RestTerms,
        _ message: RestMessage,
        _ identity: Identity,
        _ state: RestState,
        routine: Routine? = nil,
        settings known: LocalSettings? = nil
    ) {
        summary = terms.summary
        schema = terms.schema
        settings =
            known ?? LocalSettings(of: message, terms, from: identity, state, routine: routine)
        preRequest = state.settings.preRequest
        statement = Query("")
        shape = .answer(isWrite: false)
        isReadOnly = true
        isolation = Self.isolation(routine?.isolation ?? state.roles[identity.role]?.isolation)
        let end = state.settings.transactionEnd
        rollsBack =
            switch terms.preferences.transaction {
            case .commit: false
            case .rollback: true
            case nil: end.isRollback
            }
    }

    /// What becomes of what the statement returns.
    mutating func answers(
        as output: Output,
        isWrite: Bool = false,
        _ check: (@Sendable (RestAnswer) throws(Problem) -> Void)?
    ) {
        statement.wantsBinaryResult = output.isBinary
        shape = output.isPlan ? .plan : .answer(isWrite: isWrite)
        self.check = output.isPlan ? nil : check
    }

    /// The levels that differ from PostgreSQL's default (PostgreSQL §13.2); nil for the rest, which
    /// spares BEGIN.
    private static func isolation(_ level: String?) -> String? {
        switch level?.lowercased() {
        case "repeatable read": "REPEATABLE READ"
        case "serializable": "SERIALIZABLE"
        default: nil
        }
    }
}
