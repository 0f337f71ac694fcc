// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// Where a server listens: `host:port`, `[::1]:8080`, `:8080` (all addresses), `unix:/path`.
package enum SocketAddress: Equatable, Sendable, CustomStringConvertible {
    case tcp(host: String, port: UInt16)
    case unix(path: String)

    package init(parsing text: String) throws(SocketError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            // sun_path holds 108 bytes with its NUL (unix(7)).
            guard !path.isEmpty, path.utf8.count < 108 else { throw .addressInvalid(text) }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { throw .addressInvalid(text) }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        self = .tcp(host: host, port: port)
    }

    package var description: String {
        switch self {
        case .tcp(let host, let port) where host.contains(":"): "[\(host)]:\(port)"
        case .tcp(let host, let port): "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether only this machine's own processes can connect over the network.
    package var isLoopback: Bool {
        guard case .tcp(let host, _) = self else { return false }
        return host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Calls `body` with the address as the kernel wants it. Host names resolve here, blocking.
    func withResolved<Value>(
        _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws(SocketError) -> Value
    ) throws(SocketError) -> Value {
        switch self {
        case .unix(let path): try unsafe withUnix(path, body)
        case .tcp(let host, let port): try unsafe withTCP(host, port, body)
        }
    }

    private func withUnix<Value>(
        _ path: String,
        _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws(SocketError) -> Value
    ) throws(SocketError) -> Value {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
            unsafe room.copyBytes(from: path.utf8.prefix(room.count - 1))
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let copy = address
        return try unsafe pointing(to: copy) { pointer throws(SocketError) in
            try unsafe body(AF_UNIX, pointer, size)
        }
    }

    private func withTCP<Value>(
        _ host: String,
        _ port: UInt16,
        _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) throws(SocketError) -> Value
    ) throws(SocketError) -> Value {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var found: UnsafeMutablePointer<addrinfo>?
        let name = host.isEmpty || host == "*" ? nil : host
        guard unsafe getaddrinfo(name, String(port), &hints, &found) == 0, let first = unsafe found
        else { throw .addressInvalid(description) }
        defer { unsafe freeaddrinfo(first) }
        guard let address = unsafe first.pointee.ai_addr else {
            throw .addressInvalid(description)
        }
        return try unsafe body(first.pointee.ai_family, address, first.pointee.ai_addrlen)
    }

    private func pointing<Address, Value>(
        to address: Address,
        _ body: (UnsafePointer<sockaddr>) throws(SocketError) -> Value
    ) throws(SocketError) -> Value {
        try unsafe withUnsafePointer(to: address) { pointer throws(SocketError) in
            try unsafe body(UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self))
        }
    }
}
