// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Why a record did not reach its sink.
package enum LogDropReason: String, EventLabel {
    case queueFull = "queue_full"
    case sinkError = "sink_error"
    /// The receiver understood it and did not want it.
    case rejected
    /// The same place in the code spoke too often.
    case rateLimited = "rate_limited"
    case sampled
    case closed
}

/// Dropped records by reason.
struct LogDrops: Sendable {
    private var counts = InlineArray<6, UInt64>(repeating: 0)

    subscript(_ reason: LogDropReason) -> UInt64 {
        get { counts[reason.position] }
        set { counts[reason.position] = newValue }
    }

    mutating func add(_ other: LogDrops) {
        for index in counts.indices { counts[index] &+= other.counts[index] }
    }
}

/// One thread's records that have not gone to the sinks yet. The lock is contended only while the
/// buffer is swapped for an empty one.
struct LogSlot: ~Copyable {
    static let sinksMax = 8

    /// What this thread has made for one sink.
    struct Account: Sendable {
        var produced: UInt64 = 0
        /// Still in the buffer.
        var queued: UInt64 = 0
        /// Places in the sink's queue that it has taken and not used.
        var places = 0
        var drops = LogDrops()
    }

    struct State: Sendable {
        var lines = LogLines()
        var clock = LogClock()
        var site = LogSite()
        var accounts = InlineArray<8, Account> { _ in Account() }
        var redactions = InlineArray<4, UInt64>(repeating: 0)
    }

    let state = Mutex(State())
    private let apart = Shard.Apart()

    deinit { state.withLock { $0.lines.free() } }
}

extension LogSlot.State {
    /// Encodes a record; returns where it lies.
    mutating func encode(
        _ head: LogHead,
        _ trace: RequestTrace?,
        sinks: UInt16,
        format: LogFormat,
        service: [UInt8],
        _ fields: (inout LogRecord) -> Void
    ) -> Range<Int> {
        let start = lines.bytes.count
        if format != .pretty { site.become(head, format) }
        var record = LogRecord(in: lines.bytes, format: format)
        record.begin(head, trace, site: site, clock: &clock, service: service)
        fields(&record)
        record.close()
        lines.bytes = record.bytes
        for rule in redactions.indices { redactions[rule] &+= UInt64(record.redactions[rule]) }
        let end = lines.bytes.count
        lines.append(LogMark(head, trace, sinks: sinks, length: end - start))
        return start..<end
    }
}
