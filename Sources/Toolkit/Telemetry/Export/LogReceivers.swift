// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Synchronization

/// Sends a sink's records to a server, some hundred at a time. What it does not take together is
/// divided until those stand alone that it does not want; what it has already it keeps once (Loki)
/// or has not taken (OTLP).
struct RemoteDestination: LogDestination {
    let name: String
    private let document: @Sendable (ArraySlice<LogEntry>) -> [UInt8]
    /// Counted beside the sink's own ledger.
    private let metrics: ExportMetrics?
    private let exporter: Lazy

    /// The connection belongs to the sink's thread; the lock is never contended.
    private final class Lazy: Sendable {
        let exporter: Mutex<Exporter>
        init(_ exporter: consuming sending Exporter) { self.exporter = Mutex(exporter) }
    }

    private static let recordsMax = 512
    /// Of lines: what Loki's own clients send at once, and a fraction of what it takes in a burst.
    private static let bytesMax = 1 << 20
    /// Of one batch. A receiver that wants none of it is not asked record by record.
    private static let divisionsMax = 64

    /// Loki's push API: few labels, for each of which it keeps a stream; the rest is structured
    /// metadata.
    static func loki(_ endpoint: ExportEndpoint, _ service: ServiceIdentity) -> RemoteDestination {
        let push = endpoint.appending("/loki/api/v1/push")
        return RemoteDestination(name: "loki", push, .loki, nil) { entries in
            LokiDocument.bytes(entries, service)
        }
    }

    static func otlp(
        _ endpoint: ExportEndpoint,
        _ service: ServiceIdentity,
        _ metrics: ExportMetrics?
    ) -> RemoteDestination {
        let logs = endpoint.appending("/v1/logs")
        return RemoteDestination(name: "otlp", logs, .otlp, metrics) { entries in
            LogDocument.otlp(entries, service)
        }
    }

    private init(
        name: String,
        _ endpoint: ExportEndpoint,
        _ rules: ExportRules,
        _ metrics: ExportMetrics?,
        _ document: @escaping @Sendable (ArraySlice<LogEntry>) -> [UInt8]
    ) {
        self.name = name
        self.document = document
        self.metrics = metrics
        exporter = Lazy(Exporter(endpoint, rules, durations: metrics?[.logs]))
    }

    func deliver(
        _ batch: LogBatch,
        _ patience: LogPatience,
        _ account: (LogDelivery) -> Void
    ) {
        var parts = Self.parts(of: batch.lines.entries)
        var divisions = 0
        // When the end has come, what is left is lost; it is counted as the sink's error.
        while let part = parts.popLast(), !patience.isOver {
            let bytes = document(part)
            let outcome = exporter.exporter.withLock { $0.send(bytes, patience) }
            if outcome == .rejectedTogether, part.count > 1, divisions < Self.divisionsMax {
                divisions += 1
                let middle = part.startIndex + part.count / 2
                parts += [part[middle...], part[..<middle]]
                continue
            }
            metrics?.sent(.logs, part.count, outcome)
            account(LogDelivery(of: part.count, bytes.count, outcome))
        }
    }

    /// The last one first.
    private static func parts(of entries: [LogEntry]) -> [ArraySlice<LogEntry>] {
        var parts: [ArraySlice<LogEntry>] = []
        var (start, bytes) = (0, 0)
        for position in entries.indices {
            bytes += entries[position].line.count
            if position > start, position - start == recordsMax || bytes > bytesMax {
                parts.append(entries[start..<position])
                (start, bytes) = (position, entries[position].line.count)
            }
        }
        if start < entries.count { parts.append(entries[start...]) }
        return parts.reversed()
    }
}

extension LogDelivery {
    fileprivate init(of records: Int, _ bytes: Int, _ outcome: ExportOutcome) {
        switch outcome {
        case .accepted(let rejected):
            written = records - min(rejected, records)
            drops[.rejected] = UInt64(records - written)
            self.bytes = bytes
        case .rejected, .rejectedTogether:
            drops[.rejected] = UInt64(records)
            errors = 1
        case .failed:
            drops[.sinkError] = UInt64(records)
            errors = 1
        }
    }
}

/// `{"streams":[{"stream":{labels},"values":[["<ns>","<line>",{metadata}]]}]}`
enum LokiDocument {
    static func bytes(_ entries: ArraySlice<LogEntry>, _ service: ServiceIdentity) -> [UInt8] {
        var writer = JSONWriter(reserving: entries.count * 700)
        writer.beginObject()
        writer.key("streams")
        writer.beginArray()
        for level in LogLevel.allCases {
            let own = entries.filter { $0.level == level }
            if !own.isEmpty { append(own, level, service, to: &writer) }
        }
        writer.endArray()
        writer.endObject()
        return writer.finish()
    }

    private static func append(
        _ entries: [LogEntry],
        _ level: LogLevel,
        _ service: ServiceIdentity,
        to writer: inout JSONWriter
    ) {
        writer.beginObject()
        writer.key("stream")
        writer.beginObject()
        for (name, value) in [
            ("service_name", service.name), ("level", level.label.text),
            ("env", service.environment), ("instance", service.instanceID),
        ] {
            writer.key(name)
            writer.string(value)
        }
        writer.endObject()
        writer.key("values")
        writer.beginArray()
        for entry in entries {
            writer.beginArray()
            writer.string("\(entry.wallNanoseconds)")
            writer.string(String(decoding: entry.line, as: UTF8.self))
            writer.beginObject()
            writer.key("logger")
            writer.string(entry.module.label)
            if let trace = entry.traceID {
                writer.key("trace_id")
                writer.string(trace)
            }
            writer.endObject()
            writer.endArray()
        }
        writer.endArray()
        writer.endObject()
    }
}

/// Records as OTLP has them. Their fields are the attributes; what OTLP has a place of its own
/// for goes there.
enum LogDocument {
    private static let placed: Set = [
        "time", "level", "msg", "trace_id", "span_id", "trace_flags", "service.name",
        "service.version", "service.instance.id",
    ]

    static func otlp(_ entries: ArraySlice<LogEntry>, _ service: ServiceIdentity) -> [UInt8] {
        let records = JSONValue.object([
            ("scope", OTLP.scope(service)), ("logRecords", .array(entries.map(record))),
        ])
        return JSONValue.object([
            (
                "resourceLogs",
                .array([
                    .object([
                        ("resource", OTLP.resource(service)), ("scopeLogs", .array([records])),
                    ])
                ])
            )
        ]).compactBytes
    }

    private static func record(_ entry: LogEntry) -> JSONValue {
        let fields = entry.fields
        let text = { (name: String) in fields.first { $0.0 == name }?.1.string }
        var members: [(String, JSONValue)] = [
            ("timeUnixNano", .string("\(entry.wallNanoseconds)")),
            ("observedTimeUnixNano", .string("\(entry.wallNanoseconds)")),
            ("severityNumber", .integer(entry.level.severityNumber)),
            ("severityText", .string(entry.level.label.text)),
            ("body", OTLP.any(.string(text("msg") ?? ""))),
        ]
        if let trace = text("trace_id"), let span = text("span_id") {
            members.append(("traceId", .string(trace)))
            members.append(("spanId", .string(span)))
            let flags = text("trace_flags").flatMap { Int($0, radix: 16) }
            members.append(("flags", .integer(flags ?? 0)))
        }
        let others = fields.filter { !placed.contains($0.0) }
        members.append(("attributes", .array(others.map { OTLP.attribute($0.0, $0.1) })))
        return .object(members)
    }
}
