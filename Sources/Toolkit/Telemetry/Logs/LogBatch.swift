// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What is known of an encoded record without reading it.
struct LogMark: BitwiseCopyable {
    /// Bytes of the record, its newline included.
    var length: UInt32
    /// The sinks it goes to, a bit each.
    var sinks: UInt16
    var level: UInt8
    var module: UInt8
    var wall: UInt64
    var sequence: UInt64
    var traceIDHigh: UInt64
    var traceIDLow: UInt64

    static let size = MemoryLayout<LogMark>.size

    init(_ head: LogHead, _ trace: RequestTrace?, sinks: UInt16, length: Int) {
        self.length = UInt32(length)
        self.sinks = sinks
        level = head.level.rawValue
        module = head.module.rawValue
        wall = head.wall
        sequence = head.sequence
        traceIDHigh = trace?.context.traceIDHigh ?? 0
        traceIDLow = trace?.context.traceIDLow ?? 0
    }
}

/// Encoded records: their lines, one after the other, and what is known of each. Like its bytes,
/// it belongs to whoever holds it.
struct LogLines: Sendable {
    var bytes = LogBytes()
    private var marks = LogBytes()
    /// The sinks that all of these records go to.
    private(set) var sinks: UInt16 = .max

    var count: Int { marks.count / LogMark.size }
    fileprivate var isMostlyRoom: Bool { bytes.isMostlyRoom }

    func mark(_ index: Int) -> LogMark { marks.mark(at: index * LogMark.size) }

    /// The record it describes is in the bytes, or is about to be.
    @inline(__always)
    mutating func append(_ mark: LogMark) {
        marks.reserve(LogMark.size)
        marks.append(mark)
        sinks &= mark.sinks
    }

    /// Takes those records that go to one of the sinks.
    mutating func append(_ other: LogLines, for sink: UInt16) {
        guard other.sinks & sink == 0 else {
            bytes.append(other.bytes, 0..<other.bytes.count)
            marks.append(other.marks, 0..<other.marks.count)
            return sinks &= other.sinks
        }
        var start = 0
        for index in 0..<other.count {
            let mark = other.mark(index)
            let end = start + Int(mark.length)
            if mark.sinks & sink != 0 {
                bytes.append(other.bytes, start..<end)
                append(mark)
            }
            start = end
        }
    }

    /// How many records lie completely within the first bytes.
    func complete(within byteCount: Int) -> Int {
        guard byteCount < bytes.count else { return count }
        var end = 0
        for index in 0..<count {
            end += Int(mark(index).length)
            if end > byteCount { return index }
        }
        return count
    }

    /// The records one by one, copied, without their newlines.
    var entries: [LogEntry] {
        var start = 0
        return (0..<count).map { index in
            let mark = mark(index)
            defer { start += Int(mark.length) }
            let line = unsafe bytes.part(start..<start + max(0, Int(mark.length) - 1))
            return LogEntry(
                sequence: mark.sequence,
                wallNanoseconds: mark.wall,
                level: LogLevel(rawValue: mark.level) ?? .info,
                module: LogModule(rawValue: mark.module) ?? .app,
                traceIDHigh: mark.traceIDHigh,
                traceIDLow: mark.traceIDLow,
                line: unsafe Array(line)
            )
        }
    }

    /// The same records in memory of their own, with no room beside them.
    func copied() -> LogLines {
        var copy = LogLines()
        copy.bytes = bytes.copied()
        copy.marks = marks.copied()
        copy.sinks = sinks
        return copy
    }

    mutating func clear() {
        bytes.clear()
        marks.clear()
        sinks = .max
    }

    mutating func free() {
        bytes.free()
        marks.free()
    }
}

/// Records that several sinks read, until the last has let go of them; then their memory is used
/// for others.
final class LogBatch: Sendable {
    let lines: LogLines
    private let spares: LogSpares?

    /// Without spares, the memory is given back.
    init(_ lines: LogLines, _ spares: LogSpares?) {
        self.lines = lines
        self.spares = spares
    }

    deinit {
        guard let spares else {
            var lines = lines
            return lines.free()
        }
        spares.give(lines)
    }

    /// For whoever keeps it for long: the batch itself, or a copy where it is mostly room.
    var compact: LogBatch { lines.isMostlyRoom ? LogBatch(lines.copied(), nil) : self }
}

/// Memory for records, grown already and warm.
final class LogSpares: Sendable {
    private static let most = 8
    private let lines = Mutex<[LogLines]>([])

    deinit {
        lines.withLock { lines in
            for index in lines.indices { lines[index].free() }
        }
    }

    func take() -> LogLines { lines.withLock { $0.popLast() } ?? LogLines() }

    func give(_ used: consuming LogLines) {
        used.clear()
        let isKept = lines.withLock { [used] lines in
            guard lines.count < Self.most else { return false }
            lines.append(used)
            return true
        }
        if !isKept { used.free() }
    }
}
