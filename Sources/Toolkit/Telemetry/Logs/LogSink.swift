// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Synchronization

/// What a sink has done with the records it was given:
/// `produced == written + queued + dropped`, at every instant.
package struct LogLedger: Equatable, Sendable {
    package var sink: String
    package var produced: UInt64 = 0
    package var written: UInt64 = 0
    package var queued: UInt64 = 0
    package var dropped: [LogDropReason: UInt64] = [:]
    package var writtenBytes: UInt64 = 0
    package var errors: UInt64 = 0
    package var queueMax: Int = 0
    var redactions: [UInt64] = []

    package var isBalanced: Bool {
        produced == written + queued + dropped.values.reduce(0, +)
    }
}

/// A destination, its queue and the thread that empties it.
final class LogSink: Sendable {
    let format: LogFormat
    let queueMax: Int
    let whenFull: LogFullPolicy
    let destination: any LogDestination

    private let slots: [LogSlot] = (0..<Shard.slotsMax).map { _ in LogSlot() }
    private let queued = Atomic<Int>(0)
    private let isAwake = Atomic<Bool>(false)
    private let isClosed = Atomic<Bool>(false)
    private let hasEnded = Atomic<Bool>(false)
    private let outcome = Mutex(Outcome())
    private let wakeup = eventfd(0, Int32(EFD_CLOEXEC))
    private let hurry = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))

    /// What has left the slots.
    private struct Outcome {
        var inFlight: UInt64 = 0
        var written: UInt64 = 0
        var failed: UInt64 = 0
        var bytes: UInt64 = 0
        var errors: UInt64 = 0
        var flushes: [UInt64] = []
    }

    /// How long a batch gathers (milliseconds): one write for what comes in the meantime.
    private static let gatherMilliseconds: Int32 = 10

    init(_ configuration: LogSinkConfiguration) {
        format = configuration.format
        queueMax = configuration.queueMax
        whenFull = configuration.whenFull
        destination =
            switch configuration.destination {
            case .standardOutput: DescriptorDestination(name: "stdout", descriptor: 1)
            case .file(let path, let bytesMax, let keep):
                FileDestination(path: path, bytesMax: bytesMax, keep: keep)
            case .custom(let name, let take): CustomDestination(name: name, take: take)
            case .ring(let ring): RingDestination(ring: ring)
            }
    }

    deinit {
        _ = Glibc.close(wakeup)
        _ = Glibc.close(hurry)
    }

    /// Puts a record into the calling thread's part of the queue, or drops and counts it.
    func append(
        _ record: LogBytes,
        _ level: LogLevel,
        _ redactions: [Redaction.Rule]
    ) {
        let hasRoom = waitForRoom(level)
        slots[Shard.current].state.withLock { guarded in
            guarded.state.produced &+= 1
            guard hasRoom else {
                guarded.state.queueFull &+= 1
                return
            }
            guard !isClosed.load(ordering: .relaxed) else {
                guarded.state.closed &+= 1
                return
            }
            guarded.state.bytes.append(contentsOf: record)
            guarded.state.queued += 1
            for rule in redactions { guarded.state.redactions[rule.position] &+= 1 }
            queued.add(1, ordering: .relaxed)
        }
        if !isAwake.load(ordering: .sequentiallyConsistent) { wake() }
    }

    private func waitForRoom(_ level: LogLevel) -> Bool {
        if queued.load(ordering: .relaxed) < queueMax { return true }
        let patience: Int
        switch whenFull {
        case .dropNewest: return false
        case .dropBelow(let kept, let milliseconds):
            guard level >= kept else { return false }
            patience = milliseconds
        case .block(let milliseconds): patience = milliseconds
        }
        let deadline = uptimeNanoseconds() &+ UInt64(patience) &* 1_000_000
        while uptimeNanoseconds() < deadline {
            _ = eventfd_write(hurry, 1)
            usleep(100)
            if queued.load(ordering: .relaxed) < queueMax { return true }
        }
        return false
    }

    private func wake() {
        guard !isAwake.exchange(true, ordering: .sequentiallyConsistent) else { return }
        _ = eventfd_write(wakeup, 1)
    }
}

extension LogSink {
    /// Starts the thread that writes. The thread keeps the sink alive until `close`.
    func start() {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                let sink = unsafe Unmanaged<LogSink>.fromOpaque(context).takeRetainedValue()
                sink.run()
                return nil
            },
            context
        )
        guard status == 0 else {
            unsafe Unmanaged<LogSink>.fromOpaque(context).release()
            return hasEnded.store(true, ordering: .releasing)
        }
        _ = pthread_detach(thread)
    }

    /// Refuses further records and waits, at most so long, until the queue is written.
    func close(deadline: UInt64) {
        isClosed.store(true, ordering: .sequentiallyConsistent)
        isAwake.store(true, ordering: .sequentiallyConsistent)
        _ = eventfd_write(wakeup, 1)
        _ = eventfd_write(hurry, 1)
        while !hasEnded.load(ordering: .acquiring), uptimeNanoseconds() < deadline { usleep(500) }
    }

    private func run() {
        _ = unsafe name_this_thread("log \(destination.name)")
        blockBrokenPipe()
        var spares = Spares()
        var hasClosed = false
        while !hasClosed {
            var count: eventfd_t = 0
            _ = unsafe eventfd_read(wakeup, &count)
            gather()
            isAwake.store(false, ordering: .sequentiallyConsistent)
            hasClosed = isClosed.load(ordering: .sequentiallyConsistent)
            drain(&spares)
        }
        spares.free()
        hasEnded.store(true, ordering: .releasing)
    }

    /// Once the reader of a pipe is gone, `write` shall say so and not kill the process.
    private func blockBrokenPipe() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGPIPE)
        _ = unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    private func gather() {
        guard queued.load(ordering: .relaxed) < queueMax / 2 else { return }
        var request = pollfd(fd: hurry, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&request, 1, Self.gatherMilliseconds) > 0 else { return }
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(hurry, &count)
    }

    /// Takes every slot's buffer, then writes them: no lock is held while writing.
    private func drain(_ spares: inout Spares) {
        for slot in slots.indices {
            var batch = spares.take(slot)
            let records = outcome.withLock { outcome in
                slots[slot].state.withLock { guarded in
                    let records = guarded.state.queued
                    guard records > 0 else { return 0 }
                    swap(&guarded.state.bytes, &batch)
                    guarded.state.queued = 0
                    outcome.inFlight += UInt64(records)
                    return records
                }
            }
            if records > 0 { write(batch, records) }
            batch.clear()
            spares.put(batch, slot)
        }
    }

    private func write(_ batch: LogBytes, _ records: Int) {
        let started = uptimeNanoseconds()
        let taken = unsafe destination.write(
            UnsafeRawBufferPointer(start: batch.base, count: batch.count)
        )
        let took = uptimeNanoseconds() &- started
        let complete = taken == batch.count ? records : batch.newlines(in: 0..<taken)
        queued.subtract(records, ordering: .relaxed)
        outcome.withLock {
            $0.inFlight -= UInt64(records)
            $0.written += UInt64(complete)
            $0.failed += UInt64(records - complete)
            $0.bytes += UInt64(taken)
            $0.errors += taken == batch.count ? 0 : 1
            if $0.flushes.count < 1_024 { $0.flushes.append(took) }
        }
    }

    /// Consistent: taken while nothing moves.
    var ledger: LogLedger {
        outcome.withLock { outcome in
            var ledger = LogLedger(sink: destination.name, queueMax: queueMax)
            ledger.written = outcome.written
            ledger.queued = outcome.inFlight
            ledger.writtenBytes = outcome.bytes
            ledger.errors = outcome.errors
            ledger.redactions = Array(repeating: 0, count: Redaction.Rule.allCases.count)
            ledger.dropped = [.queueFull: 0, .closed: 0, .sinkError: outcome.failed]
            for slot in slots { ledger.add(slot) }
            return ledger
        }
    }

    /// How long each batch took to write, since this was last asked.
    func takeFlushes() -> [UInt64] {
        outcome.withLock { outcome in
            defer { outcome.flushes.removeAll(keepingCapacity: true) }
            return outcome.flushes
        }
    }
}

extension LogLedger {
    fileprivate mutating func add(_ slot: LogSlot) {
        slot.state.withLock { guarded in
            produced += guarded.state.produced
            queued += UInt64(guarded.state.queued)
            dropped[.queueFull, default: 0] += guarded.state.queueFull
            dropped[.closed, default: 0] += guarded.state.closed
            for index in redactions.indices { redactions[index] += guarded.state.redactions[index] }
        }
    }
}

/// The writer's empty buffers, one to exchange for each slot's.
private struct Spares {
    private var buffers: [LogBytes] = Array(repeating: LogBytes(), count: Shard.slotsMax)

    mutating func take(_ slot: Int) -> LogBytes {
        defer { buffers[slot] = LogBytes() }
        return buffers[slot]
    }

    mutating func put(_ buffer: LogBytes, _ slot: Int) { buffers[slot] = buffer }

    mutating func free() {
        for index in buffers.indices { buffers[index].free() }
    }
}
