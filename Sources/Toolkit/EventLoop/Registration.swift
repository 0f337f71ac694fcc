// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A descriptor under a loop's watch: who waits for it, and until when.
///
/// At most one task waits in each direction. Edge-triggered: `isReadable` stays true until a
/// read came up short, so a busy connection asks epoll for nothing.
///
/// `@unchecked Sendable`: touched on the loop's thread only; it may be *held* elsewhere.
@safe package final class Registration: @unchecked Sendable {
    package enum Direction: Sendable { case read, write }
    package enum Outcome: Sendable { case ready, timedOut, closed }

    package let descriptor: Int32
    package let loop: EventLoop
    let slot: Int
    let key: UInt64

    package var isReadable = false
    package var isWritable = false
    /// The peer has shut down its side, or the connection is broken.
    package private(set) var peerHasLeft = false
    /// Called once, on the loop, when `peerHasLeft` turns true.
    package var onPeerLeft: (() -> Void)?

    private var reader = Waiter()
    private var writer = Waiter()
    private var isClosed = false

    @safe private struct Waiter {
        var continuation: UnsafeContinuation<Outcome, Never>?
        var deadline = UInt64.max

        mutating func resume(_ outcome: Outcome) {
            guard let continuation = unsafe continuation else { return }
            unsafe self.continuation = nil
            deadline = .max
            unsafe continuation.resume(returning: outcome)
        }
    }

    init(descriptor: Int32, loop: EventLoop, slot: Int) {
        self.descriptor = descriptor
        self.loop = loop
        self.slot = slot
        key = UInt64(slot) | loop.nextGeneration() << 32
    }

    func deliver(_ events: UInt32) {
        let failed = EPOLLERR.rawValue | EPOLLHUP.rawValue
        if events & (EPOLLRDHUP.rawValue | failed) != 0, !peerHasLeft {
            peerHasLeft = true
            let callback = onPeerLeft
            onPeerLeft = nil
            callback?()
        }
        if events & (EPOLLIN.rawValue | EPOLLRDHUP.rawValue | failed) != 0 {
            isReadable = true
            reader.resume(.ready)
        }
        if events & (EPOLLOUT.rawValue | failed) != 0 {
            isWritable = true
            writer.resume(.ready)
        }
    }

    /// Times out whoever waited too long; returns the earliest deadline that is left.
    func expire(now: UInt64) -> UInt64 {
        if reader.deadline <= now { reader.resume(.timedOut) }
        if writer.deadline <= now { writer.resume(.timedOut) }
        return min(reader.deadline, writer.deadline)
    }

    /// Waits until the descriptor may be read or written, the deadline (uptime nanoseconds)
    /// passes, or it is closed under the waiter.
    package func wait(_ direction: Direction, deadline: UInt64) async -> Outcome {
        if isClosed { return .closed }
        switch direction {
        case .read where isReadable, .write where isWritable: return .ready
        case .read, .write: break
        }
        return unsafe await withUnsafeContinuation { continuation in
            switch direction {
            case .read: unsafe reader = Waiter(continuation: continuation, deadline: deadline)
            case .write: unsafe writer = Waiter(continuation: continuation, deadline: deadline)
            }
            if deadline != .max { loop.watch(deadline: deadline) }
        }
    }

    /// Stops watching. Does not close the descriptor: its owner does.
    package func cancel() {
        guard !isClosed else { return }
        isClosed = true
        loop.deregister(self)
        onPeerLeft = nil
        reader.resume(.closed)
        writer.resume(.closed)
    }
}
