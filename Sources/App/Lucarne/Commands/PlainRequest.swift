// SPDX-License-Identifier: Apache-2.0
internal import EventLoop
internal import Glibc

/// `http://host:port/prefix`.
struct PlainURL: Equatable, CustomStringConvertible {
    var host: String
    var port: UInt16
    var prefix: String

    var description: String { "http://\(authority)\(prefix)" }
    /// As `Host` has it (RFC 9110 §7.2).
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    init?(_ text: String) {
        guard text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(7)
        let authority = rest.prefix { $0 != "/" }
        prefix = String(rest.dropFirst(authority.count))
        while prefix.hasSuffix("/") { prefix.removeLast() }
        // The colons of an IPv6 address are inside brackets (RFC 3986 §3.2.2).
        let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
        let colon = authority[bracket...].lastIndex(of: ":")
        host = String(authority[..<(colon ?? authority.endIndex)]).filter { !"[]".contains($0) }
        guard let port = UInt16(colon.map { String(authority[$0...].dropFirst()) } ?? "80"),
            !host.isEmpty
        else { return nil }
        self.port = port
    }
}

struct PlainReply: Equatable {
    var status: Int
    var body: [UInt8]
}

struct PlainRequestFailure: Error, Equatable, CustomStringConvertible {
    var description: String
}

/// One GET over a connection of its own, blocking: for commands that ask another server.
struct PlainRequest {
    var url: PlainURL
    var path: String
    var query: [(String, String)] = []
    var headers: [(String, String)] = []
    var timeoutSeconds = 20

    static let replyBytesMax = 64 << 20

    func send() throws(PlainRequestFailure) -> PlainReply {
        let address = SocketAddress.tcp(host: url.host, port: url.port)
        guard let socket = AddressProbe.connect(to: address, timeoutSeconds: timeoutSeconds) else {
            throw PlainRequestFailure(description: "does not answer")
        }
        defer { close(socket) }
        var rest = Array(head.utf8)[...]
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    socket,
                    buffer.baseAddress,
                    buffer.count,
                    Int32(MSG_NOSIGNAL)
                )
            }
            guard written > 0 else { throw PlainRequestFailure(description: "closed early") }
            rest = rest.dropFirst(written)
        }
        return try PlainReply(parsing: try everything(from: socket))
    }

    private var head: String {
        let pairs = query.map { "\(Self.encode($0))=\(Self.encode($1))" }
        let target = url.prefix + path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        return "GET \(target) HTTP/1.1\r\nHost: \(url.authority)\r\n"
            + headers.map { "\($0): \($1)\r\n" }.joined()
            + "Accept: application/json\r\nConnection: close\r\n\r\n"
    }

    /// Until the peer closes: what `Connection: close` asks for. A peer that trickles is left at
    /// the deadline.
    private func everything(from socket: Int32) throws(PlainRequestFailure) -> [UInt8] {
        var reply: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let end = time(nil) + timeoutSeconds
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe read(socket, buffer.baseAddress, buffer.count)
            }
            if count == 0 { return reply }
            guard count > 0, time(nil) <= end else {
                throw PlainRequestFailure(description: "took longer than \(timeoutSeconds) s")
            }
            reply += chunk[..<count]
            guard reply.count <= Self.replyBytesMax else {
                throw PlainRequestFailure(description: "sent more than \(Self.replyBytesMax) bytes")
            }
        }
    }

    /// RFC 3986 §2.3: all but the unreserved.
    private static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { encoded, byte in
            let scalar = Unicode.Scalar(byte)
            let character = Character(scalar)
            if scalar.isASCII,
                character.isLetter || character.isNumber || "-._~".contains(character)
            {
                encoded.append(character)
            } else {
                encoded += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }
}

extension PlainReply {
    /// A whole answer, to the close of its connection (RFC 9112 §6.3).
    init(parsing bytes: [UInt8]) throws(PlainRequestFailure) {
        let malformed = PlainRequestFailure(description: "did not answer in HTTP/1.1")
        guard let gap = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { throw malformed }
        let lines = String(decoding: bytes[..<gap.lowerBound], as: UTF8.self)
            .split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw malformed
        }
        func field(_ name: String) -> String? {
            lines.dropFirst().first { $0.lowercased().hasPrefix(name + ":") }
                .map { $0.dropFirst(name.count + 1).lowercased().filter { $0 != " " } }
        }
        let rest = bytes[gap.upperBound...]
        self.status = status
        if field("transfer-encoding")?.hasSuffix("chunked") == true {
            guard let joined = Self.unchunked(rest) else { throw malformed }
            body = joined
        } else if let length = field("content-length").flatMap({ Int($0) }) {
            guard rest.count >= length, length >= 0 else {
                throw PlainRequestFailure(description: "closed early")
            }
            body = Array(rest.prefix(length))
        } else {
            body = Array(rest)
        }
    }

    private static func unchunked(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = bytes
        var body: [UInt8] = []
        while true {
            guard let line = rest.firstIndex(of: 0x0A) else { return nil }
            let digits = rest[..<line].prefix { $0 != 0x3B && $0 != 0x0D }
            guard let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0
            else { return nil }
            rest = rest[(line + 1)...]
            if size == 0 { return body }
            guard rest.count - 2 >= size else { return nil }
            body += rest.prefix(size)
            rest = rest.dropFirst(size + 2)
        }
    }
}
