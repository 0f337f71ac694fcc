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
        /// The latest records, and before them those bytes of others that do not fill a cache line:
        /// a few kilobytes that stay at hand.
        var latest = LogBytes()
        var settledBytes = 0
        var settledCount = 0
        /// Its thread has handed over what was here, since the stage last asked.
        var hasHandedOver = false
        var clock = LogClock()
        var site = LogSite()
        var fragments = LogFragments()
        var accounts = InlineArray<8, Account> { _ in Account() }
        var redactions = InlineArray<4, UInt64>(repeating: 0)
    }

    let state = Mutex(State())
    private let apart = Shard.Apart()

    deinit {
        state.withLock { state in
            state.lines.free()
            state.latest.free()
            state.fragments.free()
            state.site.free()
        }
    }
}

extension LogSlot.State {
    /// Takes places in a sink's queue for so many records.
    @inline(__always)
    mutating func queue(_ records: Int, for position: Int, in queue: LogQueue) {
        accounts[position].queued &+= UInt64(records)
        let missing = records &- accounts[position].places
        if missing > 0 {
            let taken = max(missing, queue.share)
            queue.add(taken)
            accounts[position].places &+= taken
        }
        accounts[position].places &-= records
    }

    mutating func encode(
        _ head: LogHead,
        _ trace: RequestTrace?,
        sinks: UInt16,
        format: LogFormat,
        service: LogBytes,
        _ fields: (inout LogRecord) -> Void
    ) {
        let start = latest.count
        if format != .pretty { site.become(head, format) }
        fragments.prepare()
        var record = LogRecord(in: latest, format: format, fragments)
        record.begin(head, trace, site: site, clock: &clock, service: service)
        fields(&record)
        record.close()
        latest = record.bytes
        for rule in redactions.indices { redactions[rule] &+= UInt64(record.redactions[rule]) }
        lines.append(LogMark(head, trace, sinks: sinks, length: latest.count - start))
    }

    /// The latest records go where a kill cannot reach them and, when there are some, out of the
    /// way: past the caches, since nobody reads them soon. A lock taken afterwards waits until they
    /// are there; for one record alone that would cost more than the lines it takes.
    mutating func settle(_ tail: MappedTail?, slot: Int) {
        let isAlone = lines.count - settledCount == 1
        unsafe tail?.append(
            latest.part(settledBytes..<latest.count),
            slot: slot,
            pastCaches: !isAlone
        )
        if latest.count > Self.latestBytesMax {
            lines.bytes.move(wholeLinesOf: &latest, orMore: Self.batchBytes)
        }
        settledBytes = latest.count
        settledCount = lines.count
    }

    /// What may well be in the processor's first cache still.
    private static let latestBytesMax = 8 << 10

    /// Room that a batch begins with.
    private static let batchBytes = 128 << 10

    mutating func takeHasHandedOver() -> Bool {
        defer { hasHandedOver = false }
        return hasHandedOver
    }

    /// Everything so far, settled, as a batch of its own.
    mutating func takeLines(_ spares: LogSpares) -> LogLines {
        lines.bytes.append(latest, 0..<latest.count)
        latest.clear()
        (settledBytes, settledCount) = (0, 0)
        defer { lines = spares.take() }
        return lines
    }
}
