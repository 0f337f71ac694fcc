// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// Kept traces as OTLP's JSON has them (opentelemetry-proto, docs/specification.md): ids in
/// hexadecimal, enums as integers, 64-bit integers as strings.
package enum TraceDocument {
    package static func otlp(_ traces: [KeptTrace], service: ServiceIdentity) -> JSONValue {
        let spans = traces.flatMap(spans)
        return .object([
            (
                "resourceSpans",
                .array([
                    .object([
                        ("resource", OTLP.resource(service)),
                        (
                            "scopeSpans",
                            .array([
                                .object([("scope", OTLP.scope(service)), ("spans", .array(spans))])
                            ])
                        ),
                    ])
                ])
            )
        ])
    }

    private static func spans(_ trace: KeptTrace) -> [JSONValue] {
        [root(trace)] + trace.spans.indices.map { span(trace, $0) }
    }

    private static func root(_ trace: KeptTrace) -> JSONValue {
        var members = head(
            trace,
            id: trace.context.spanID,
            parent: trace.context.parentSpanID,
            name: trace.name,
            kind: 2
        )
        members += times(trace, from: 0, to: trace.durationNanoseconds)
        members.append(("attributes", attributes(trace, -1)))
        // A server's fault is an error; a client's leaves the status unset (semconv, HTTP spans).
        members.append(("status", .object(trace.status >= 500 ? [("code", .integer(2))] : [])))
        return .object(members)
    }

    private static func span(_ trace: KeptTrace, _ position: Int) -> JSONValue {
        let span = trace.spans[position]
        var members = head(
            trace,
            id: trace.spanID(position),
            parent: trace.spanID(Int(span.parent)),
            name: trace.name(of: position),
            kind: span.layer == .sql ? 3 : 1
        )
        members += times(trace, from: span.startedAt, to: span.endedAt)
        members.append(("attributes", attributes(trace, position)))
        members.append(("status", .object(span.failed ? [("code", .integer(2))] : [])))
        return .object(members)
    }

    private static func head(
        _ trace: KeptTrace,
        id: UInt64,
        parent: UInt64,
        name: String,
        kind: Int
    ) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [
            ("traceId", .string(trace.context.traceIDText)),
            ("spanId", .string(hexadecimal(id))),
        ]
        if let state = trace.traceState { members.append(("traceState", .string(state))) }
        if parent != 0 { members.append(("parentSpanId", .string(hexadecimal(parent)))) }
        members.append(("name", .string(name)))
        members.append(("kind", .integer(kind)))
        return members
    }

    private static func times(
        _ trace: KeptTrace,
        from start: UInt64,
        to end: UInt64
    ) -> [(String, JSONValue)] {
        [
            ("startTimeUnixNano", .string("\(trace.startedAtWall &+ start)")),
            ("endTimeUnixNano", .string("\(trace.startedAtWall &+ end)")),
        ]
    }

    private static func attributes(_ trace: KeptTrace, _ position: Int) -> JSONValue {
        .array(
            trace.facts(of: position).map { key, value in
                switch value {
                case .text(let text): OTLP.attribute(key, text)
                case .integer(let number): OTLP.attribute(key, number)
                }
            }
        )
    }

    package static func hexadecimal(_ id: UInt64) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
