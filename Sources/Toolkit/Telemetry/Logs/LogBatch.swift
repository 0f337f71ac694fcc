// SPDX-License-Identifier: Apache-2.0

/// What is known of an encoded record without reading it.
struct LogMark: BitwiseCopyable {
    /// Bytes of the record, its newline included.
    var length: UInt32 = 0
    /// The sinks it goes to, a bit each.
    var sinks: UInt16
    var level: UInt8
    var module: UInt8
    var wall: UInt64
    var sequence: UInt64
    var traceIDHigh: UInt64
    var traceIDLow: UInt64

    static let size = MemoryLayout<LogMark>.size

    init(_ head: LogHead, _ trace: RequestTrace?, sinks: UInt16) {
        self.sinks = sinks
        level = head.level.rawValue
        module = head.module.rawValue
        wall = head.wall
        sequence = head.sequence
        traceIDHigh = trace?.context.traceIDHigh ?? 0
        traceIDLow = trace?.context.traceIDLow ?? 0
    }
}

/// Encoded records on their way to one sink: their lines, one after the other, and what is known
/// of each. Like its bytes, it belongs to whoever holds it.
struct LogBatch {
    private(set) var bytes = LogBytes()
    private(set) var marks: [LogMark] = []

    var count: Int { marks.count }

    /// Takes those of a slot's records that go to the sink with this bit.
    mutating func append(framesOf slot: LogBytes, for sink: UInt16) {
        var position = 0
        while position < slot.count {
            let mark = slot.mark(at: position)
            let start = position + LogMark.size
            position = start + Int(mark.length)
            guard mark.sinks & sink != 0 else { continue }
            bytes.append(slot, start..<position)
            marks.append(mark)
        }
    }

    /// How many records lie completely within the first bytes.
    func complete(within byteCount: Int) -> Int {
        var end = 0
        for (position, mark) in marks.enumerated() {
            end += Int(mark.length)
            if end > byteCount { return position }
        }
        return marks.count
    }

    /// The records one by one, copied, without their newlines.
    var entries: [LogEntry] {
        var start = 0
        return marks.map { mark in
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

    /// A batch of its own, to be kept and freed.
    func copied() -> LogBatch {
        var copy = LogBatch()
        copy.bytes = bytes.copied()
        copy.marks = marks
        return copy
    }

    mutating func clear() {
        bytes.clear()
        marks.removeAll(keepingCapacity: marks.capacity <= 16_384)
    }

    mutating func free() {
        bytes.free()
        marks = []
    }
}
