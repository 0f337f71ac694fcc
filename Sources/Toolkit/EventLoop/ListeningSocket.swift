// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A bound, listening socket. Each loop accepts from one of its own: with `SO_REUSEPORT` the
/// kernel spreads connections over them (socket(7)); a Unix socket is duplicated instead.
@safe package final class ListeningSocket: Sendable {
    package let address: SocketAddress
    private let descriptor: Int32
    /// The first owner of a Unix socket's file removes it.
    private let ownsFile: Bool

    /// Fails where anybody listens already, this program included.
    package convenience init(_ address: SocketAddress) throws(SocketError) {
        try self.init(address, sharing: false)
    }

    private init(_ address: SocketAddress, sharing: Bool) throws(SocketError) {
        descriptor = try unsafe address.withResolved {
            (family, pointer, size) throws(SocketError) -> Int32 in
            try unsafe Self.open(address, family, pointer, size, sharing: sharing)
        }
        ownsFile = if case .unix = address { true } else { false }
        self.address = Self.bound(descriptor, as: address)
    }

    private init(adopting descriptor: Int32, address: SocketAddress) {
        self.descriptor = descriptor
        self.address = address
        ownsFile = false
    }

    deinit {
        _ = Glibc.close(descriptor)
        if ownsFile, case .unix(let path) = address { _ = unsafe unlink(path) }
    }

    /// A second socket for the same address, for another loop.
    package func sibling() throws(SocketError) -> ListeningSocket {
        guard case .unix = address else { return try ListeningSocket(address, sharing: true) }
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw .system(errno: errno, call: "dup") }
        return ListeningSocket(adopting: copy, address: address)
    }

    /// Watches for connections on a loop.
    package func acceptor(on loop: EventLoop) throws(SocketError) -> Acceptor {
        Acceptor(listening: self, registration: try loop.register(descriptor))
    }

    private static func open(
        _ address: SocketAddress,
        _ family: Int32,
        _ pointer: UnsafePointer<sockaddr>,
        _ size: socklen_t,
        sharing: Bool
    ) throws(SocketError) -> Int32 {
        let flags = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        let descriptor = socket(family, Int32(flags), 0)
        guard descriptor >= 0 else { throw .system(errno: errno, call: "socket") }
        if case .unix(let path) = address {
            unsafe removeStale(path, pointer, size)
        } else {
            set(SO_REUSEADDR, on: descriptor)
            if sharing { set(SO_REUSEPORT, on: descriptor) }
            // Accepted sockets have it from here (tcp(7)).
            set(TCP_NOTSENT_LOWAT, of: Int32(IPPROTO_TCP), to: unsentBytesMax, on: descriptor)
        }
        var isListening = unsafe bind(descriptor, pointer, size) == 0
        // The first socket is bound alone, so that a second process of the same user finds the port
        // taken instead of getting half of the connections. From then on it shares.
        if isListening {
            if case .tcp = address { set(SO_REUSEPORT, on: descriptor) }
            isListening = listen(descriptor, backlog) == 0
        }
        guard isListening else {
            let reason = errno
            _ = Glibc.close(descriptor)
            throw .system(errno: reason, call: "listen on \(address)")
        }
        return descriptor
    }

    private static let backlog: Int32 = 1_024
    /// What the kernel takes of a connection beyond what it may send now. Otherwise it takes
    /// megabytes for each peer that does not read.
    private static let unsentBytesMax: Int32 = 131_072

    private static func set(
        _ option: Int32,
        of level: Int32 = SOL_SOCKET,
        to value: Int32 = 1,
        on descriptor: Int32
    ) {
        var value = value
        let size = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe setsockopt(descriptor, level, option, &value, size)
    }

    // A killed process leaves its socket's file; nobody answers there, so it is in the way only.
    private static func removeStale(
        _ path: String,
        _ pointer: UnsafePointer<sockaddr>,
        _ size: socklen_t
    ) {
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { return }
        defer { _ = Glibc.close(probe) }
        if unsafe Glibc.connect(probe, pointer, size) != 0, errno == ECONNREFUSED {
            _ = unsafe unlink(path)
        }
    }

    /// The port that the kernel chose, where 0 was asked for.
    private static func bound(_ descriptor: Int32, as address: SocketAddress) -> SocketAddress {
        guard case .tcp(let host, 0) = address else { return address }
        var storage = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        _ = unsafe withUnsafeMutablePointer(to: &storage) {
            unsafe getsockname(
                descriptor,
                UnsafeMutableRawPointer($0).assumingMemoryBound(to: sockaddr.self),
                &size
            )
        }
        // The port has the same place in sockaddr_in and sockaddr_in6.
        return .tcp(host: host, port: UInt16(bigEndian: storage.sin6_port))
    }
}

/// Takes connections from a listening socket, on one loop.
@safe package final class Acceptor: @unchecked Sendable {
    private let listening: ListeningSocket
    private let registration: Registration

    init(listening: ListeningSocket, registration: Registration) {
        self.listening = listening
        self.registration = registration
    }

    /// The next connection. Throws `.closed` after `close()`.
    package func accept() async throws(SocketError) -> StreamSocket {
        while true {
            guard await registration.wait(.read, deadline: .max) == .ready else { throw .closed }
            var storage = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
            let descriptor = unsafe withUnsafeMutablePointer(to: &storage) {
                unsafe accept4(
                    registration.descriptor,
                    UnsafeMutableRawPointer($0).assumingMemoryBound(to: sockaddr.self),
                    &size,
                    flags
                )
            }
            if descriptor >= 0 { return try adopt(descriptor, storage) }
            switch errno {
            case EAGAIN: registration.isReadable = false
            // The peer left before it was accepted, or a network error of its own: accept(2).
            case EINTR, ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ENETUNREACH: continue
            case let reason: throw .system(errno: reason, call: "accept")
            }
        }
    }

    private func adopt(
        _ descriptor: Int32,
        _ storage: sockaddr_storage
    ) throws(SocketError) -> StreamSocket {
        var on: Int32 = 1
        if storage.ss_family != sa_family_t(AF_UNIX) {
            let size = socklen_t(MemoryLayout<Int32>.size)
            _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
        }
        return try StreamSocket(
            adopting: descriptor,
            peer: numericAddress(storage),
            on: registration.loop
        )
    }

    package func close() { registration.cancel() }
}

/// `127.0.0.1`, `::1`, or `unix`.
private func numericAddress(_ storage: sockaddr_storage) -> String {
    let family = Int32(storage.ss_family)
    guard family != AF_UNIX else { return "unix" }
    var text = InlineArray<64, CChar>(repeating: 0)
    var span = text.mutableSpan
    return unsafe span.withUnsafeMutableBufferPointer { text in
        unsafe withUnsafePointer(to: storage) { pointer in
            let raw = unsafe UnsafeRawPointer(pointer)
            // Where sin_addr and sin6_addr lie: ip(7), ipv6(7).
            let offset = family == AF_INET ? 4 : 8
            let source = unsafe raw.advanced(by: offset)
            let written = unsafe inet_ntop(family, source, text.baseAddress, socklen_t(text.count))
            return unsafe written.map { unsafe String(cString: $0) } ?? "unknown"
        }
    }
}
