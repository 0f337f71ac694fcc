// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// A record as it was written, for readers inside the process. What it says is parsed when
/// somebody asks: nearly every record goes unread.
package struct LogEntry: Sendable {
    package let wallNanoseconds: UInt64
    /// One JSON object, without a newline.
    package let line: [UInt8]

    package init(wallNanoseconds: UInt64, line: [UInt8]) {
        self.wallNanoseconds = wallNanoseconds
        self.line = line
    }

    package var sequence: UInt64 { UInt64(field("seq")?.int ?? 0) }
    package var level: LogLevel { (field("level")?.string).flatMap(LogLevel.init(label:)) ?? .info }
    package var module: LogModule {
        (field("logger")?.string).flatMap(LogModule.init(label:)) ?? .app
    }

    /// 32 digits, or nil when the record belongs to no request.
    package var traceID: String? { field("trace_id")?.string }
    package var route: String? { field("http.route")?.string }

    /// The record's fields, in order. Parsed each time.
    package var fields: [(String, JSONValue)] {
        (try? JSONValue(parsing: line))?.members ?? []
    }

    /// Parses only records in which the name occurs.
    package func field(_ name: String) -> JSONValue? {
        let needle = Array("\"\(name)\":".utf8)
        guard line.contains(needle) else { return nil }
        return fields.first { $0.0 == name }?.1
    }
}
