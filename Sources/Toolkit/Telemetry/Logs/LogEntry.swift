// SPDX-License-Identifier: Apache-2.0
import CLinux
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

    /// A quote within a text has a backslash before it, so what looks like a name is one. Those of
    /// the layers are one level deeper; they alone are, and are not looked at.
    package func field(_ name: String) -> JSONValue? {
        unsafe line.withUnsafeBytes { line in
            let needle = Array("\"\(name)\":".utf8)
            guard var start = unsafe position(of: needle, in: line, from: 0) else { return nil }
            let layers = Array("\"layers\":{".utf8)
            if let nested = unsafe position(of: layers, in: line, from: 0), nested < start,
                let end = unsafe line[nested...].firstIndex(of: UInt8(ascii: "}")), start < end
            {
                guard let next = unsafe position(of: needle, in: line, from: end) else {
                    return nil
                }
                start = next
            }
            let value = start + needle.count
            let end = unsafe Self.end(ofValueAt: value, in: line)
            return unsafe try? JSONValue(parsing: Array(line[value..<end]))
        }
    }

    @unsafe private func position(
        of needle: [UInt8],
        in line: UnsafeRawBufferPointer,
        from start: Int
    ) -> Int? {
        guard let base = line.baseAddress, start < line.count else { return nil }
        let found = unsafe memmem(base + start, line.count - start, needle, needle.count)
        return unsafe found.map { unsafe base.distance(to: UnsafeRawPointer($0)) }
    }

    /// Texts end at a quote of their own, the layers at their brace, all else at what separates.
    @unsafe private static func end(
        ofValueAt start: Int,
        in line: UnsafeRawBufferPointer
    ) -> Int {
        guard start < line.count else { return line.count }
        var position = start + 1
        switch unsafe line[start] {
        case UInt8(ascii: "\""):
            while position < line.count, unsafe line[position] != UInt8(ascii: "\"") {
                position += unsafe line[position] == UInt8(ascii: "\\") ? 2 : 1
            }
            return min(position + 1, line.count)
        case UInt8(ascii: "{"):
            let end = unsafe line[position...].firstIndex(of: UInt8(ascii: "}"))
            return end.map { $0 + 1 } ?? line.count
        default:
            let ends = [UInt8(ascii: ","), UInt8(ascii: "}")]
            while position < line.count, unsafe !ends.contains(line[position]) { position += 1 }
            return position
        }
    }
}
