// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import EventLoop
internal import Glibc

/// Connects like any client would, blocking: for commands that look at a server from outside.
enum AddressProbe {
    /// The connected descriptor, which the caller closes; nil when nobody answers there.
    static func connect(to address: SocketAddress, timeoutSeconds: Int) -> Int32? {
        switch address {
        case .unix(let path): connectUnix(path, timeoutSeconds)
        case .tcp(let host, let port): connectTCP(reachable(host), port, timeoutSeconds)
        }
    }

    /// `option`: SO_RCVTIMEO or SO_SNDTIMEO (socket(7)), to which none at all is no limit.
    static func limit(_ option: Int32, of descriptor: Int32, to time: Duration) {
        let (seconds, attoseconds) = time.components
        let microseconds = Int(attoseconds / 1_000_000_000_000) + 1
        var limit = timeval(tv_sec: Int(seconds), tv_usec: min(microseconds, 999_999))
        let size = socklen_t(MemoryLayout<timeval>.size)
        unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, size)
    }

    static func isAnswering(_ address: SocketAddress) -> Bool {
        guard let descriptor = connect(to: address, timeoutSeconds: 1) else { return false }
        close(descriptor)
        return true
    }

    /// "Everywhere" is where a server listens, not where one can go.
    private static func reachable(_ host: String) -> String {
        switch host {
        case "", "*", "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: host
        }
    }

    private static func connectTCP(_ host: String, _ port: UInt16, _ seconds: Int) -> Int32? {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, String(port), &hints, &found) == 0 else { return nil }
        defer { unsafe freeaddrinfo(found) }
        var candidate = unsafe found
        while let entry = unsafe candidate {
            let info = unsafe entry.pointee
            let descriptor = unsafe open(info.ai_family, info.ai_addr, info.ai_addrlen, seconds)
            if let descriptor { return descriptor }
            unsafe candidate = unsafe info.ai_next
        }
        return nil
    }

    private static func connectUnix(_ path: String, _ seconds: Int) -> Int32? {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            unsafe room.copyBytes(from: path.utf8.prefix(room.count - 1))
        }
        return unsafe withUnsafePointer(to: address) { pointer in
            unsafe open(
                AF_UNIX,
                UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_un>.size),
                seconds
            )
        }
    }

    private static func open(
        _ family: Int32,
        _ address: UnsafePointer<sockaddr>?,
        _ size: socklen_t,
        _ seconds: Int
    ) -> Int32? {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { return nil }
        limit(SO_SNDTIMEO, of: descriptor, to: .seconds(seconds))
        limit(SO_RCVTIMEO, of: descriptor, to: .seconds(seconds))
        guard unsafe Glibc.connect(descriptor, address, size) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }
}
