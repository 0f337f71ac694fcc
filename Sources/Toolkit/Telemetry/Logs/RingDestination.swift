// SPDX-License-Identifier: Apache-2.0
import JSONCoding

/// The ring as a place where records end.
struct RingDestination: LogDestination {
    let name = "ring"
    let ring: LogRing

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let lines = unsafe bytes.split(separator: UInt8(ascii: "\n"))
        let now = wallNanoseconds()
        ring.append(unsafe lines.compactMap { unsafe LogEntry(line: Array($0), at: now) })
        return bytes.count
    }
}

extension LogEntry {
    fileprivate init?(line: [UInt8], at wall: UInt64) {
        guard let value = try? JSONValue(parsing: line) else { return nil }
        let trace = (value["trace_id"]?.string).map { Array($0.utf8) } ?? []
        self.init(
            sequence: UInt64(value["seq"]?.int ?? 0),
            wallNanoseconds: wall,
            level: (value["level"]?.string).flatMap(LogLevel.init(label:)) ?? .info,
            module: (value["logger"]?.string).flatMap(LogModule.init(label:)) ?? .app,
            traceIDHigh: trace.count == 32
                ? Hexadecimal.parse(trace.span, from: 0, digits: 16) ?? 0 : 0,
            traceIDLow: trace.count == 32
                ? Hexadecimal.parse(trace.span, from: 16, digits: 16) ?? 0 : 0,
            line: line
        )
    }
}
