// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Synchronization

/// Where a sink's records end. Used by one thread at a time.
protocol LogDestination: Sendable {
    var name: String { get }

    /// Writes records, however long that takes, but not beyond the patience. Says what became of
    /// some as soon as it is known: a receiver that is away is waited for with the others, for
    /// minutes.
    func deliver(
        _ batch: LogBatch,
        _ patience: LogPatience,
        _ account: (LogDelivery) -> Void
    )

    /// Nothing will follow.
    func close()
}

extension LogDestination {
    func close() {}
}

/// What became of some records.
struct LogDelivery: Sendable {
    var written = 0
    var drops = LogDrops()
    var bytes = 0
    var errors = 0

    var records: Int { written + Int(drops.total) }

    init() {}

    init(lost records: Int) { drops[.sinkError] = UInt64(records) }
}

/// How long a destination may go on trying: without end, until the process is about to.
final class LogPatience: Sendable {
    private let deadline = Atomic<UInt64>(.max)

    func end(at deadline: UInt64) { self.deadline.store(deadline, ordering: .relaxed) }

    var isOver: Bool { uptimeNanoseconds() >= deadline.load(ordering: .relaxed) }

    var isEnding: Bool { deadline.load(ordering: .relaxed) != .max }

    /// Sleeps, but no longer once the process is about to end; false when that has come. Whoever
    /// was asleep then tries once more.
    func sleep(nanoseconds: UInt64) -> Bool {
        let end = uptimeNanoseconds() &+ nanoseconds
        while uptimeNanoseconds() < end {
            if isOver { return false }
            if isEnding { return true }
            usleep(20_000)
        }
        return !isOver
    }
}

/// A destination that takes bytes as they are, and says how many.
protocol ByteDestination: LogDestination {
    func write(_ bytes: UnsafeRawBufferPointer) -> Int
}

extension ByteDestination {
    func deliver(
        _ batch: LogBatch,
        _ patience: LogPatience,
        _ account: (LogDelivery) -> Void
    ) {
        let lines = batch.lines
        let taken = unsafe write(lines.bytes.part(0..<lines.bytes.count))
        var delivery = LogDelivery()
        delivery.written = lines.complete(within: taken)
        delivery.drops[.sinkError] = UInt64(lines.count - delivery.written)
        delivery.bytes = taken
        delivery.errors = taken == lines.bytes.count ? 0 : 1
        account(delivery)
    }
}

/// A descriptor that is written to as it is: standard output, a pipe.
struct DescriptorDestination: ByteDestination {
    let name: String
    let descriptor: Int32

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        unsafe Self.write(bytes, to: descriptor)
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
        var written = 0
        while written < bytes.count {
            let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
            let count = unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count > 0 {
                written += count
            } else if count < 0, errno == EAGAIN {
                // A terminal shared with another process may be non-blocking.
                var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&request, 1, 1_000)
            } else if count < 0, errno != EINTR {
                break
            }
        }
        return written
    }
}

/// A consumer inside the process.
struct CustomDestination: ByteDestination {
    let name: String
    let take: @Sendable ([UInt8]) -> Bool

    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        unsafe take(Array(bytes)) ? bytes.count : 0
    }
}

/// The ring as a place where records end.
struct RingDestination: LogDestination {
    let name = "ring"
    let ring: LogRing

    func deliver(
        _ batch: LogBatch,
        _ patience: LogPatience,
        _ account: (LogDelivery) -> Void
    ) {
        ring.append(batch)
        var delivery = LogDelivery()
        delivery.written = batch.lines.count
        delivery.bytes = batch.lines.bytes.count
        account(delivery)
    }
}
