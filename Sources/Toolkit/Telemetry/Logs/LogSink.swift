// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// How full a sink's queue is: what everybody who has a record for it looks at and changes.
@safe struct LogQueue: Sendable {
    // Lives as long as its sink, and whoever has the queue has the sink.
    nonisolated(unsafe) private let count: UnsafeMutablePointer<Atomic<Int>>
    let max: Int
    /// Places that a thread takes at once, to use them one by one: so the count's cache line does
    /// not travel between processors with every record.
    let share: Int

    init(max: Int) {
        unsafe count = .allocate(capacity: 1)
        unsafe count.initialize(to: Atomic(0))
        self.max = max
        share = Swift.max(1, max / 1_024)
    }

    @inline(__always)
    var hasRoom: Bool { hasRoom(1) }

    /// Places that threads have in hand count as taken.
    @inline(__always)
    func hasRoom(_ records: Int) -> Bool {
        unsafe count.pointee.load(ordering: .relaxed) &+ records <= max
    }

    @inline(__always)
    func add(_ records: Int) { unsafe count.pointee.add(records, ordering: .relaxed) }

    func free() { unsafe count.deallocate() }
}

/// What waits for a sink: the very batches that the stage has handed out while the sink keeps up,
/// and copies once it does not. One that has stalled holds lines then, not half-empty memory.
private struct LogPending: Sendable {
    private static let sharedMax = 8

    private var shared: [LogBatch] = []
    private var more = LogLines()
    /// Records.
    private(set) var count = 0

    mutating func append(_ batch: LogBatch, for bit: UInt16) {
        let lines = batch.lines
        if lines.sinks & bit != 0, more.count == 0, shared.count < Self.sharedMax {
            shared.append(batch)
            count += lines.count
        } else {
            count -= more.count
            more.append(lines, for: bit)
            count += more.count
        }
    }

    mutating func take(_ spares: LogSpares) -> [LogBatch] {
        var batches = shared
        if more.count > 0 {
            batches.append(LogBatch(more, spares))
            more = spares.take()
        }
        shared = []
        count = 0
        return batches
    }

    mutating func free() {
        more.free()
        self = LogPending()
    }
}

/// A destination, its bounded queue and the thread that empties it.
final class LogSink: Sendable {
    /// Admitted and not yet written, wherever they are, and places that threads have in hand.
    let queue: LogQueue
    let whenFull: LogFullPolicy
    let destination: any LogDestination
    /// In memory: whoever brings the records writes them at once.
    let isDirect: Bool

    private let isFinishing = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private let patience = LogPatience()
    private let state = Mutex(State())
    private let wakeup = WakeSignal()
    private let spares = LogSpares()

    /// What has left the slots.
    private struct State: Sendable {
        var pending = LogPending()
        var inFlight: UInt64 = 0
        var written: UInt64 = 0
        var drops = LogDrops()
        var bytes: UInt64 = 0
        var errors: UInt64 = 0
        var flushes: [UInt64] = []
    }

    init(_ configuration: LogSinkConfiguration, _ destination: any LogDestination) {
        queue = LogQueue(max: configuration.queueMax)
        whenFull = configuration.whenFull
        self.destination = destination
        isDirect = destination is RingDestination
    }

    deinit {
        state.withLock { $0.pending.free() }
        queue.free()
    }

    func start() {
        guard !isDirect else { return }
        let isRunning = BackgroundThread.start("log \(destination.name)") { [self] in run() }
        if !isRunning { hasEnded.store(true, ordering: .releasing) }
    }

    /// Whether there is room for another record soon enough. `hurry` is called while waiting.
    @inline(never)
    func waitForRoom(_ level: LogLevel, _ hurry: () -> Void) -> Bool {
        let milliseconds: Int
        switch whenFull {
        case .dropNewest: return false
        case .dropBelow(let kept, let patience):
            guard level >= kept else { return false }
            milliseconds = patience
        case .block(let patience): milliseconds = patience
        }
        let deadline = uptimeNanoseconds() &+ UInt64(milliseconds) &* 1_000_000
        while uptimeNanoseconds() < deadline {
            hurry()
            usleep(100)
            if queue.hasRoom { return true }
        }
        return false
    }

    /// Takes those of the batch that go to the sink with this bit; called by one thread at a time.
    func receive(_ batch: LogBatch, for bit: UInt16) {
        state.withLock { $0.pending.append(batch, for: bit) }
        if isDirect { _ = drain() }
    }

    func wake() {
        if !isDirect, state.withLock({ $0.pending.count > 0 }) { wakeup.raise() }
    }

    private func run() {
        var isLast = false
        while !isLast {
            wakeup.wait()
            isLast = isFinishing.load(ordering: .acquiring)
            while drain() {}
        }
        destination.close()
        hasEnded.store(true, ordering: .releasing)
    }

    /// Writes what is pending, holding no lock meanwhile; false when there was nothing.
    private func drain() -> Bool {
        let batches = state.withLock { state in
            state.inFlight = UInt64(state.pending.count)
            return state.pending.take(spares)
        }
        for batch in batches {
            let started = uptimeNanoseconds()
            var left = batch.lines.count
            destination.deliver(batch, patience) { delivery in
                left -= delivery.records
                account(for: delivery)
            }
            // Whatever a destination does not account for did not arrive.
            account(for: LogDelivery(lost: max(0, left)))
            let took = uptimeNanoseconds() &- started
            state.withLock { if $0.flushes.count < 1_024 { $0.flushes.append(took) } }
        }
        return !batches.isEmpty
    }

    private func account(for delivery: LogDelivery) {
        queue.add(-delivery.records)
        state.withLock { state in
            state.inFlight -= UInt64(delivery.records)
            state.written += UInt64(delivery.written)
            state.drops.add(delivery.drops)
            state.bytes += UInt64(delivery.bytes)
            state.errors += UInt64(delivery.errors)
        }
    }

    /// No more will come: writes what is pending, at most until then.
    func finish(deadline: UInt64) {
        patience.end(at: deadline)
        isFinishing.store(true, ordering: .releasing)
        wakeup.raise()
    }

    /// Waits until it has finished, at most until then. What is left is dropped.
    func close(deadline: UInt64) {
        guard !isDirect else { return destination.close() }
        while !hasEnded.load(ordering: .acquiring), uptimeNanoseconds() < deadline { usleep(500) }
        state.withLock { state in
            state.drops[.closed] += UInt64(state.pending.count)
            queue.add(-state.pending.count)
            state.pending.free()
        }
    }

    /// Its part of the ledger; the slots' accounts are to be added while nothing moves.
    func readLedger(adding slots: (inout LogLedger) -> Void) -> LogLedger {
        state.withLock { state in
            var ledger = LogLedger(sink: destination.name, queueMax: queue.max)
            ledger.written = state.written
            ledger.queued = state.inFlight + UInt64(state.pending.count)
            ledger.writtenBytes = state.bytes
            ledger.errors = state.errors
            ledger.add(state.drops)
            slots(&ledger)
            return ledger
        }
    }

    /// How long each batch took to write, since this was last asked.
    func takeFlushes() -> [UInt64] {
        state.withLock { state in
            defer { state.flushes.removeAll(keepingCapacity: true) }
            return state.flushes
        }
    }
}
