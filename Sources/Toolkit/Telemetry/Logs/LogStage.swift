// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// All sinks of one format: a record is encoded once, into the calling thread's slot, and a
/// thread of the stage's own carries it from there to the queue of each sink that had room.
@safe final class LogStage: Sendable {
    let format: LogFormat
    let sinks: [LogSink]
    /// Those of the sinks, in their order.
    private let queues: [LogQueue]

    private let service: LogBytes
    private let tail: MappedTail?
    // Never written after it is made; each is behind a lock.
    nonisolated(unsafe) private let slots: UnsafeMutablePointer<LogSlot>
    /// Held while records move from slots to sinks, and while they are counted.
    private let transfer = Mutex(())
    private let isAwake = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private let wakeup = WakeSignal()
    private let hurry = WakeSignal()
    private let spares = LogSpares()

    /// How long a batch gathers, and how much of one thread: one write for what comes meanwhile.
    /// Each time threads are woken costs as much as many records do. What a busy thread has after it
    /// handed much over may wait once more as long.
    private static let gatherMilliseconds: Int32 = 20
    /// What has not left a thread yet has to be in its part of the mapped tail, or a kill would lose
    /// some; the other half is for what comes until it is written.
    static let gatherBytesMax = MappedTail.ringBytes / 2

    private static let unsettledBytesMax = MappedTail.togetherBytesMax - LogRecord.bytesMax

    init(_ format: LogFormat, sinks: [LogSink], service: LogBytes, tail: MappedTail?) {
        precondition(sinks.count <= LogSlot.sinksMax, "too many log sinks")
        self.format = format
        self.sinks = sinks
        queues = sinks.map(\.queue)
        self.service = service
        self.tail = tail
        unsafe slots = .allocate(capacity: Shard.slotsMax)
        for index in 0..<Shard.slotsMax { unsafe (slots + index).initialize(to: LogSlot()) }
    }

    deinit {
        unsafe slots.deinitialize(count: Shard.slotsMax)
        unsafe slots.deallocate()
        var service = service
        service.free()
    }

    func start() {
        for sink in sinks { sink.start() }
        let isRunning = BackgroundThread.start("log \(format.rawValue)") { [self] in run() }
        if !isRunning { hasEnded.store(true, ordering: .releasing) }
    }

    /// Encodes the record for the sinks that have room, and counts it for those that have not.
    /// Unless it settles, that is to be done sooner or later.
    func append(
        _ head: LogHead,
        _ trace: RequestTrace?,
        settles: Bool,
        _ fields: (inout LogRecord) -> Void
    ) {
        var admitting: UInt16 = 0
        for position in queues.indices {
            let isAdmitted =
                queues[position].hasRoom
                || sinks[position].waitForRoom(head.level, hurry.raise)
            if isAdmitted { admitting |= 1 &<< UInt16(position) }
        }
        let slot = Shard.current
        let isEnough = unsafe slots[slot].state.withLock { state in
            let refusal: LogDropReason =
                isClosed.load(ordering: .relaxed) ? .closed : .queueFull
            if refusal == .closed { admitting = 0 }
            for position in queues.indices {
                state.accounts[position].produced &+= 1
                if admitting & 1 &<< UInt16(position) != 0 {
                    state.queue(1, for: position, in: queues[position])
                } else {
                    state.accounts[position].drops[refusal] &+= 1
                }
            }
            guard admitting != 0 else { return false }
            state.encode(
                head,
                trace,
                sinks: admitting,
                format: format,
                service: service,
                fields
            )
            guard settles || state.latest.count > Self.unsettledBytesMax else { return false }
            state.settle(tail, slot: slot)
            return state.lines.bytes.count >= Self.gatherBytesMax
        }
        if settles { pass(on: slot, isEnough) }
    }

    /// Encodes the records of those requests that have one. While all sinks have room, and that is
    /// nearly always, the thread's buffer is taken once for all of them. To be settled, too.
    func append(
        _ heads: LogHeads,
        of requests: borrowing EndedRequests,
        _ fields: (inout LogRecord, RequestTrace) -> Void
    ) {
        let slot = Shard.current
        let isDone = unsafe slots[slot].state.withLock { state in
            guard !isClosed.load(ordering: .relaxed), queues.allSatisfy({ $0.hasRoom(heads.count) })
            else { return false }
            for position in queues.indices {
                state.accounts[position].produced &+= UInt64(heads.count)
                state.queue(heads.count, for: position, in: queues[position])
            }
            heads.forEach(of: requests) { head, trace in
                state.encode(head, trace, sinks: everySink, format: format, service: service) {
                    fields(&$0, trace)
                }
                if state.latest.count > Self.unsettledBytesMax { state.settle(tail, slot: slot) }
            }
            return true
        }
        guard !isDone else { return }
        heads.forEach(of: requests) { head, trace in
            append(head, trace, settles: false) { fields(&$0, trace) }
        }
    }

    private var everySink: UInt16 { 1 &<< UInt16(queues.count) &- 1 }

    /// What the calling thread has appended survives a kill from now on, and is on its way.
    func settle() {
        let slot = Shard.current
        let isEnough = unsafe slots[slot].state.withLock { state in
            state.settle(tail, slot: slot)
            return state.lines.bytes.count >= Self.gatherBytesMax
        }
        pass(on: slot, isEnough)
    }

    /// Sees to it that what has been settled is on its way.
    private func pass(on slot: Int, _ isEnough: Bool) {
        if isEnough { return handOver(slot) }
        if !isAwake.load(ordering: .sequentiallyConsistent) { wake() }
    }

    /// Counts a record that was not made.
    func skip(_ reason: LogDropReason) {
        unsafe slots[Shard.current].state.withLock { state in
            for position in sinks.indices {
                state.accounts[position].produced &+= 1
                state.accounts[position].drops[reason] &+= 1
            }
        }
    }

    private func wake() {
        guard !isAwake.exchange(true, ordering: .sequentiallyConsistent) else { return }
        wakeup.raise()
    }

    private func run() {
        var hasClosed = false
        while !hasClosed {
            if !isAwake.load(ordering: .sequentiallyConsistent) { wakeup.wait() }
            if !isClosed.load(ordering: .acquiring) {
                hurry.wait(milliseconds: Self.gatherMilliseconds)
            }
            isAwake.store(false, ordering: .sequentiallyConsistent)
            hasClosed = isClosed.load(ordering: .sequentiallyConsistent)
            if !drain(completely: hasClosed) {
                isAwake.store(true, ordering: .sequentiallyConsistent)
            }
        }
        hasEnded.store(true, ordering: .releasing)
    }

    /// False when it has left what some threads have, which is young: they handed over themselves
    /// what was there when this last looked.
    private func drain(completely: Bool) -> Bool {
        var isComplete = true
        for slot in 0..<Shard.slotsUsed {
            let isYoung = unsafe slots[slot].state.withLock { $0.takeHasHandedOver() }
            if isYoung, !completely { isComplete = false } else { receive(slot) }
        }
        for sink in sinks { sink.wake() }
        return isComplete
    }

    /// A thread that has made much hands it to the sinks itself: to wake another for that costs
    /// more, and that one would wait for the lock which this one holds.
    @inline(never)
    private func handOver(_ slot: Int) {
        receive(slot)
        unsafe slots[slot].state.withLock { $0.hasHandedOver = true }
        for sink in sinks { sink.wake() }
    }

    private func receive(_ slot: Int) {
        transfer.withLock { _ in
            guard let batch = unsafe batch(of: slots[slot], slot) else { return }
            for position in sinks.indices {
                sinks[position].receive(batch, for: 1 << UInt16(position))
            }
        }
    }

    /// What a slot holds, if anything.
    private func batch(of slot: borrowing LogSlot, _ position: Int) -> LogBatch? {
        slot.state.withLock { state in
            guard state.lines.count > 0 else { return nil }
            state.settle(tail, slot: position)
            let batch = LogBatch(state.takeLines(spares), spares)
            for position in sinks.indices {
                state.accounts[position].queued = 0
                queues[position].add(-state.accounts[position].places)
                state.accounts[position].places = 0
            }
            return batch
        }
    }

    /// Refuses further records, and hands what there is to the sinks, which are to finish.
    func refuse(deadline: UInt64) {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        isAwake.store(true, ordering: .sequentiallyConsistent)
        wakeup.raise()
        hurry.raise()
        while !hasEnded.load(ordering: .acquiring), uptimeNanoseconds() < deadline { usleep(500) }
        for sink in sinks { sink.finish(deadline: deadline) }
    }

    /// Waits for the sinks, all of which have been told: none has its time taken by another.
    func close(deadline: UInt64) {
        for sink in sinks { sink.close(deadline: deadline) }
    }

    /// Consistent: taken while nothing moves.
    var ledgers: [LogLedger] {
        transfer.withLock { _ in
            sinks.indices.map { position in
                sinks[position].readLedger { ledger in
                    for slot in 0..<Shard.slotsUsed {
                        unsafe ledger.add(slots[slot], sink: position)
                    }
                }
            }
        }
    }
}
