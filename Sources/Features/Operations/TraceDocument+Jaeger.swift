// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Telemetry

/// The same traces as Jaeger's user interface reads them from a file: times in microseconds.
extension TraceDocument {
    static func jaeger(_ traces: [KeptTrace], service: ServiceIdentity) -> JSONValue {
        let process = JSONValue.object([
            ("serviceName", .string(service.name)),
            (
                "tags",
                .array([
                    tag("service.version", service.version),
                    tag("service.instance.id", service.instanceID),
                ])
            ),
        ])
        let spans = traces.flatMap { trace in
            [jaegerRoot(trace)] + trace.spans.indices.map { jaegerSpan(trace, $0) }
        }
        let id = traces.first?.context.traceIDText ?? ""
        let whole = JSONValue.object([
            ("traceID", .string(id)), ("spans", .array(spans)),
            ("processes", .object([("p1", process)])),
        ])
        return .object([("data", .array([whole]))])
    }

    private static func jaegerRoot(_ trace: KeptTrace) -> JSONValue {
        span(
            trace,
            id: trace.context.spanID,
            parent: trace.context.parentSpanID,
            name: trace.name,
            from: 0,
            to: trace.durationNanoseconds,
            tags: [
                tag("span.kind", "server"), tag("error", trace.status >= 500),
            ] + tags(trace, -1)
        )
    }

    private static func jaegerSpan(_ trace: KeptTrace, _ position: Int) -> JSONValue {
        let own = trace.spans[position]
        return span(
            trace,
            id: trace.spanID(position),
            parent: trace.spanID(Int(own.parent)),
            name: trace.name(of: position),
            from: own.startedAt,
            to: own.endedAt,
            tags: [
                tag("span.kind", own.layer == .sql ? "client" : "internal"),
                tag("error", own.failed),
            ] + tags(trace, position)
        )
    }

    private static func span(
        _ trace: KeptTrace,
        id: UInt64,
        parent: UInt64,
        name: String,
        from start: UInt64,
        to end: UInt64,
        tags: [JSONValue]
    ) -> JSONValue {
        let traceID = JSONValue.string(trace.context.traceIDText)
        let reference = JSONValue.object([
            ("refType", .string("CHILD_OF")), ("traceID", traceID),
            ("spanID", .string(hexadecimal(parent))),
        ])
        return .object([
            ("traceID", traceID),
            ("spanID", .string(hexadecimal(id))),
            ("operationName", .string(name)),
            ("references", .array(parent == 0 ? [] : [reference])),
            ("startTime", .integer((trace.startedAtWall &+ start) / 1_000)),
            ("duration", .integer((end &- start) / 1_000)),
            ("tags", .array(tags)),
            ("logs", .array([])),
            ("processID", .string("p1")),
        ])
    }

    private static func tags(_ trace: KeptTrace, _ position: Int) -> [JSONValue] {
        trace.facts(of: position).map { key, value in
            switch value {
            case .text(let text): tag(key, text)
            case .integer(let number): tag(key, number)
            }
        }
    }

    private static func tag(_ key: String, _ value: String) -> JSONValue {
        .object([("key", .string(key)), ("type", .string("string")), ("value", .string(value))])
    }

    private static func tag(_ key: String, _ value: Int) -> JSONValue {
        .object([("key", .string(key)), ("type", .string("int64")), ("value", .integer(value))])
    }

    private static func tag(_ key: String, _ value: Bool) -> JSONValue {
        .object([("key", .string(key)), ("type", .string("bool")), ("value", .bool(value))])
    }
}
