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
        var attributes = [
            attribute("http.request.method", trace.method.label.text),
            attribute("http.route", trace.route),
            attribute("url.path", trace.path),
            attribute("http.response.status_code", trace.status),
            attribute("lucarne.request_id", trace.requestID),
            attribute("lucarne.kept", trace.decision.rawValue),
        ]
        if !trace.role.isEmpty { attributes.append(attribute("user.role", trace.role)) }
        if let baggage = trace.baggage { attributes.append(attribute("baggage", baggage)) }
        if let code = trace.errorCode { attributes.append(attribute("error.code", code)) }
        for (layer, nanoseconds) in trace.layers where nanoseconds > 0 {
            let key = "lucarne.layer.\(layer.label.text)_ns"
            attributes.append(attribute(key, Int(clamping: nanoseconds)))
        }
        attributes += own(trace, -1)
        var members = head(
            trace,
            id: trace.context.spanID,
            parent: trace.context.parentSpanID,
            name: "\(trace.method.label.text) \(trace.route)",
            kind: 2
        )
        members += times(trace, from: 0, to: trace.durationNanoseconds)
        members.append(("attributes", .array(attributes)))
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
            name: span.name.text,
            kind: span.layer == .sql ? 3 : 1
        )
        members += times(trace, from: span.startedAt, to: span.endedAt)
        let layer = attribute("lucarne.layer", span.layer.label.text)
        members.append(("attributes", .array([layer] + own(trace, position))))
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

    private static func own(_ trace: KeptTrace, _ position: Int) -> [JSONValue] {
        trace.attributes(of: position).map {
            switch $0.value {
            case .text(let text): attribute($0.key.text, text)
            case .integer(let number): attribute($0.key.text, number)
            }
        }
    }

    private static func attribute(_ key: String, _ value: String) -> JSONValue {
        OTLP.attribute(key, value)
    }

    private static func attribute(_ key: String, _ value: Int) -> JSONValue {
        OTLP.attribute(key, value)
    }

    package static func hexadecimal(_ id: UInt64) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
