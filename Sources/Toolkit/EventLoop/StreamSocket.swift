// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A connected stream (TCP or Unix) on its loop. Used from the loop's tasks only; one reader
/// and one writer at a time.
///
/// `@unchecked Sendable`: confined to its loop's thread; accepting hands it to a task there.
@safe package final class StreamSocket: @unchecked Sendable {
    package let registration: Registration
    /// The peer's numeric address without its port; `unix` for a Unix socket.
    package let peerAddress: String
    private var descriptor: Int32

    init(adopting descriptor: Int32, peer: String, on loop: EventLoop) throws(SocketError) {
        do throws(SocketError) {
            registration = try loop.register(descriptor)
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        peerAddress = peer
    }

    deinit {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
    }

    package var loop: EventLoop { registration.loop }
    package var peerHasLeft: Bool { registration.peerHasLeft }
    package var isOpen: Bool { descriptor >= 0 }

    /// Connects to a listening address: for clients in the same process (tests, health checks).
    package static func connect(
        to address: SocketAddress,
        on loop: EventLoop
    ) async throws(SocketError) -> StreamSocket {
        let descriptor = try unsafe address.withResolved {
            (family, pointer, size) throws(SocketError) -> Int32 in
            let flags = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
            let descriptor = socket(family, Int32(flags), 0)
            guard descriptor >= 0 else { throw .system(errno: errno, call: "socket") }
            if unsafe Glibc.connect(descriptor, pointer, size) == 0 || errno == EINPROGRESS {
                return descriptor
            }
            let reason = errno
            _ = Glibc.close(descriptor)
            throw .system(errno: reason, call: "connect")
        }
        let stream = try StreamSocket(adopting: descriptor, peer: address.description, on: loop)
        guard await stream.registration.wait(.write, deadline: .max) == .ready else {
            throw .closed
        }
        var reason: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &reason, &size)
        guard reason == 0 else { throw .system(errno: reason, call: "connect") }
        return stream
    }

    /// Reads what is there, waiting for at least one byte; 0 at the end of the stream.
    package func read(
        into buffer: UnsafeMutableRawBufferPointer,
        deadline: UInt64
    ) async throws(SocketError) -> Int {
        while true {
            if let count = try unsafe readAvailable(into: buffer) { return count }
            try await readable(deadline: deadline)
        }
    }

    /// Reads what is there now; nil when there is nothing yet. Never waits, so that many
    /// connections can share one buffer.
    package func readAvailable(
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(SocketError) -> Int? {
        guard isOpen else { throw .closed }
        while registration.isReadable {
            let count = unsafe recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count >= 0 {
                // A short read drained the socket; the next byte comes with an edge of its own.
                // After the peer's FIN there will be no such edge: keep reading until 0.
                if count < buffer.count, !registration.peerHasLeft {
                    registration.isReadable = false
                }
                return count
            }
            switch errno {
            case EAGAIN: registration.isReadable = false
            case EINTR: continue
            case let reason: throw .system(errno: reason, call: "recv")
            }
        }
        return nil
    }

    /// Waits until there may be something to read.
    package func readable(deadline: UInt64) async throws(SocketError) {
        try await ready(.read, deadline: deadline)
    }

    /// Writes all of it.
    package func write(_ bytes: [UInt8], deadline: UInt64) async throws(SocketError) {
        try await unsafe write(bytes, body: .init(start: nil, count: 0), deadline: deadline)
    }

    /// Writes both parts entirely, in one system call where the kernel takes them. A peer that takes
    /// nothing for `patience` (nanoseconds) is not waited for until the deadline.
    /// The body's memory must stay valid until the call returns.
    package func write(
        _ head: [UInt8],
        body: UnsafeRawBufferPointer,
        deadline: UInt64,
        patience: UInt64 = .max
    ) async throws(SocketError) {
        let total = head.count + body.count
        var done = 0
        while done < total {
            done += try unsafe sendAvailable(head, body, from: done)
            if done < total { try await writable(deadline, patience) }
        }
    }

    /// The same for a body that Swift keeps.
    package func write(
        _ head: [UInt8],
        body: [UInt8],
        deadline: UInt64,
        patience: UInt64 = .max
    ) async throws(SocketError) {
        let total = head.count + body.count
        var done = 0
        while done < total {
            let sent = unsafe body.withUnsafeBytes { body -> Result<Int, SocketError> in
                Result { () throws(SocketError) in try unsafe sendAvailable(head, body, from: done)
                }
            }
            done += try sent.get()
            if done < total { try await writable(deadline, patience) }
        }
    }

    /// Sends what the kernel takes now.
    private func sendAvailable(
        _ head: [UInt8],
        _ body: UnsafeRawBufferPointer,
        from offset: Int
    ) throws(SocketError) -> Int {
        while true {
            guard isOpen else { throw .closed }
            let count = unsafe send(head, body, from: offset)
            if count >= 0 { return count }
            switch errno {
            case EAGAIN:
                registration.isWritable = false
                return 0
            case EINTR: continue
            case let reason: throw .system(errno: reason, call: "sendmsg")
            }
        }
    }

    private func send(_ head: [UInt8], _ body: UnsafeRawBufferPointer, from offset: Int) -> Int {
        unsafe head.withUnsafeBytes { head in
            let first = unsafe UnsafeRawBufferPointer(rebasing: head.dropFirst(offset))
            let second = unsafe UnsafeRawBufferPointer(
                rebasing: body.dropFirst(max(0, offset - head.count))
            )
            var parts = unsafe InlineArray<2, iovec>(repeating: iovec())
            unsafe parts[0] = iovec(
                iov_base: .init(mutating: first.baseAddress),
                iov_len: first.count
            )
            unsafe parts[1] = iovec(
                iov_base: .init(mutating: second.baseAddress),
                iov_len: second.count
            )
            var span = unsafe parts.mutableSpan
            return unsafe span.withUnsafeMutableBufferPointer { vector in
                var message = unsafe msghdr()
                unsafe message.msg_iov = vector.baseAddress
                unsafe message.msg_iovlen = 2
                return unsafe sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
            }
        }
    }

    private func writable(_ deadline: UInt64, _ patience: UInt64) async throws(SocketError) {
        let (end, isNever) = uptime().addingReportingOverflow(patience)
        try await ready(.write, deadline: isNever ? deadline : min(deadline, end))
    }

    private func ready(
        _ direction: Registration.Direction,
        deadline: UInt64
    ) async throws(SocketError) {
        switch await registration.wait(direction, deadline: deadline) {
        case .ready where isOpen: return
        case .ready, .closed: throw .closed
        case .timedOut: throw .timedOut
        }
    }

    /// Tells the peer that nothing more will come, and still reads.
    package func shutdownWrite() {
        if isOpen { _ = shutdown(descriptor, Int32(SHUT_WR)) }
    }

    /// Whoever waits on the socket learns that it is closed.
    package func close() {
        guard isOpen else { return }
        registration.cancel()
        _ = Glibc.close(descriptor)
        descriptor = -1
    }
}
