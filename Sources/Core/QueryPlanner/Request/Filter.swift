// SPDX-License-Identifier: Apache-2.0

/// `field=operator.value`.
package struct Filter: Hashable, Sendable {
    package var field: Field
    package var isNegated: Bool
    package var operation: Operation

    /// `column=eq.value`
    func equals(_ column: String) -> Bool {
        guard case .quantified(.equal, nil, _) = operation else { return false }
        return !isNegated && field.path.isEmpty && field.name == column
    }
}

package enum Operation: Hashable, Sendable {
    case simple(SimpleOperator, String)
    case quantified(QuantifiedOperator, Quantifier?, String)
    case isIn([String])
    case isValue(Truth)
    case isDistinct(String)
    case textSearch(TextSearch, language: String?, String)
}

package enum SimpleOperator: Sendable, CaseIterable {
    case notEqual, contains, contained, overlaps, strictlyLeft, strictlyRight
    case notExtendingRight, notExtendingLeft, adjacent

    var sql: StaticString {
        switch self {
        case .notEqual: "<>"
        case .contains: "@>"
        case .contained: "<@"
        case .overlaps: "&&"
        case .strictlyLeft: "<<"
        case .strictlyRight: ">>"
        case .notExtendingRight: "&<"
        case .notExtendingLeft: "&>"
        case .adjacent: "-|-"
        }
    }
}

/// An operator that takes `any` and `all`.
package enum QuantifiedOperator: Sendable, CaseIterable {
    case equal, greaterOrEqual, greater, lessOrEqual, less, like, likeIgnoringCase
    case matches, matchesIgnoringCase

    var sql: StaticString {
        switch self {
        case .equal: "="
        case .greaterOrEqual: ">="
        case .greater: ">"
        case .lessOrEqual: "<="
        case .less: "<"
        case .like: "like"
        case .likeIgnoringCase: "ilike"
        case .matches: "~"
        case .matchesIgnoringCase: "~*"
        }
    }
}

package enum Quantifier: Sendable { case any, all }

/// What may follow IS. These are keywords: a parameter cannot stand for them.
package enum Truth: Sendable, CaseIterable {
    case null, notNull, isTrue, isFalse, unknown

    var sql: StaticString {
        switch self {
        case .null: "NULL"
        case .notNull: "NOT NULL"
        case .isTrue: "TRUE"
        case .isFalse: "FALSE"
        case .unknown: "UNKNOWN"
        }
    }
}

package enum TextSearch: Sendable, CaseIterable {
    case plain, simple, phrase, web

    /// The function that makes the query.
    var sql: StaticString {
        switch self {
        case .plain: "@@ to_tsquery"
        case .simple: "@@ plainto_tsquery"
        case .phrase: "@@ phraseto_tsquery"
        case .web: "@@ websearch_to_tsquery"
        }
    }
}

/// A tree of conditions: `and(a.eq.1,or(b.eq.2,c.eq.3))`.
package indirect enum LogicTree: Hashable, Sendable {
    case filter(Filter)
    case group(LogicGroup)
}

package struct LogicGroup: Hashable, Sendable {
    package enum Connective: Sendable { case and, or }

    package var isNegated: Bool
    package var connective: Connective
    package var members: [LogicTree]
}
