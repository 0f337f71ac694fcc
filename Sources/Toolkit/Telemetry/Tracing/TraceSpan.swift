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

/// A statement that came back as statements do, and will be counted with its request. Plain memory.
struct NotedStatement: Sendable {
    let series: StatementSeries.Handle
    let nanoseconds: UInt64
    let rows: Int
    let span: Int8

    var attributes: [TraceAttribute] {
        [
            TraceAttribute(key: "db.query.summary", value: .text(series.summary), span: span),
            TraceAttribute(key: "db.response.returned_rows", value: .integer(rows), span: span),
        ]
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
