// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// A record as it was written, for readers inside the process.
package struct LogEntry: Sendable {
    package let sequence: UInt64
    package let wallNanoseconds: UInt64
    package let level: LogLevel
    package let module: LogModule
    /// Both halves are 0 when the record belongs to no request.
    package let traceIDHigh: UInt64
    package let traceIDLow: UInt64
    /// One JSON object, without a newline.
    package let line: [UInt8]

    package init(
        sequence: UInt64,
        wallNanoseconds: UInt64,
        level: LogLevel,
        module: LogModule,
        traceIDHigh: UInt64 = 0,
        traceIDLow: UInt64 = 0,
        line: [UInt8]
    ) {
        self.sequence = sequence
        self.wallNanoseconds = wallNanoseconds
        self.level = level
        self.module = module
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.line = line
    }

    /// 32 digits, or nil when the record belongs to no request.
    package var traceID: String? {
        guard traceIDHigh | traceIDLow != 0 else { return nil }
        var bytes: [UInt8] = []
        Hexadecimal.append(traceIDHigh, to: &bytes)
        Hexadecimal.append(traceIDLow, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

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
