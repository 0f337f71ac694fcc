// SPDX-License-Identifier: Apache-2.0

/// One passage through a layer, in its request's arena. Plain memory: it costs no allocation.
package struct TraceSpan: Sendable {
    package var name: StaticString
    package var layer: Layer
    package var failed: Bool
    /// The span it happened in, by position; -1 for the request itself.
    package var parent: Int8
    package var startedAt: UInt64
    /// 0 while it is open.
    package var endedAt: UInt64

    static let none = TraceSpan(
        name: "",
        layer: .parse,
        failed: false,
        parent: -1,
        startedAt: 0,
        endedAt: 0
    )
}

/// What a statement's span will say of it.
struct NotedStatement: Sendable {
    let handle: StatementSeries.Handle
    let nanoseconds: UInt64
    let rows: Int
    /// Where it is counted under another name.
    private let ownSummary: String?
    private let sqlState: String?
    fileprivate(set) var span: Int8 = -1

    init(
        _ summary: String,
        _ handle: StatementSeries.Handle,
        nanoseconds: UInt64,
        rows: Int,
        sqlState: String?
    ) {
        self.handle = handle
        self.nanoseconds = nanoseconds
        self.rows = rows
        self.sqlState = sqlState
        ownSummary = handle.isCounted(as: summary) ? nil : summary
    }

    private var summary: String { ownSummary ?? handle.summary }

    func noted(in span: Int8) -> NotedStatement {
        var statement = self
        statement.span = span
        return statement
    }

    var attributes: [TraceAttribute] {
        var attributes = [
            TraceAttribute(key: "db.query.summary", value: .text(summary), span: span),
            TraceAttribute(key: "db.response.returned_rows", value: .integer(rows), span: span),
        ]
        guard let sqlState else { return attributes }
        let key: StaticString = "db.response.status_code"
        attributes.append(TraceAttribute(key: key, value: .text(sqlState), span: span))
        return attributes
    }
}

/// Something worth knowing about a request that only its trace and its log line will say.
package struct TraceAttribute: Sendable {
    package enum Value: Sendable {
        case text(String)
        case integer(Int)
    }

    package var key: StaticString
    package var value: Value
    /// The span it belongs to, by position; -1 for the request itself.
    package var span: Int8

    package init(key: StaticString, value: Value, span: Int8) {
        self.key = key
        self.value = value
        self.span = span
    }
}
