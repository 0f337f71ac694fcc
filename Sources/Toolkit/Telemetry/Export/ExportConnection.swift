// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What a receiver answered.
struct ExportAnswer: Sendable {
    var status: Int
    /// In seconds.
    var retryAfter: Double?
    var body: [UInt8] = []
}

/// An HTTP/1.1 connection to one receiver, for one thread that may wait: it blocks, within limits.
struct ExportConnection: ~Copyable {
    enum Failure: Error { case unreachable, timedOut, malformed, tooLarge }

    private let endpoint: ExportEndpoint
    private let timeoutMilliseconds: Int32
    private var descriptor: Int32 = -1
    private var received: [UInt8] = []

    private static let headBytesMax = 64 << 10
    /// OTLP: a client must bound what it reads of an answer.
    private static let bodyBytesMax = 4 << 20

    init(_ endpoint: ExportEndpoint, timeoutMilliseconds: Int32 = 10_000) {
        self.endpoint = endpoint
        self.timeoutMilliseconds = timeoutMilliseconds
    }

    deinit { if descriptor >= 0 { _ = Glibc.close(descriptor) } }

    /// Sends a body and reads the answer. The connection is kept for the next one if the receiver
    /// does so too; one that it has closed meanwhile is opened anew.
    mutating func post(_ body: [UInt8], isCompressed: Bool) throws(Failure) -> ExportAnswer {
        let request = Array(head(body.count, isCompressed).utf8) + body
        let deadline = uptimeNanoseconds() &+ UInt64(timeoutMilliseconds) &* 1_000_000
        let wasOpen = descriptor >= 0
        do throws(Failure) {
            return try exchange(request, deadline)
        } catch {
            disconnect()
            guard wasOpen, error == .unreachable else { throw error }
        }
        do throws(Failure) {
            return try exchange(request, deadline)
        } catch {
            disconnect()
            throw error
        }
    }

    private func head(_ length: Int, _ isCompressed: Bool) -> String {
        var head = """
            POST \(endpoint.path.isEmpty ? "/" : endpoint.path) HTTP/1.1\r
            Host: \(endpoint.authority)\r
            User-Agent: lucarne\r
            Content-Type: application/json\r
            Content-Length: \(length)\r\n
            """
        if isCompressed { head += "Content-Encoding: gzip\r\n" }
        for (name, value) in endpoint.headers { head += "\(name): \(value)\r\n" }
        return head + "\r\n"
    }

    private mutating func exchange(
        _ request: [UInt8],
        _ deadline: UInt64
    ) throws(Failure) -> ExportAnswer {
        if descriptor < 0 { descriptor = try Self.connect(endpoint, deadline) }
        received.removeAll(keepingCapacity: true)
        try send(request, deadline)
        var head = try readHead(deadline)
        // 100 Continue and its kin announce nothing.
        while (100..<200).contains(head.status) { head = try readHead(deadline) }
        let body = try readBody(head, deadline)
        if head["connection"]?.lowercased() == "close" || !head.hasKnownLength { disconnect() }
        return ExportAnswer(
            status: head.status,
            retryAfter: head["retry-after"].flatMap { Double($0) },
            body: body
        )
    }

    private mutating func disconnect() {
        if descriptor >= 0 { _ = Glibc.close(descriptor) }
        descriptor = -1
    }
}

extension ExportConnection {
    private static func connect(
        _ endpoint: ExportEndpoint,
        _ deadline: UInt64
    ) throws(Failure) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(endpoint.host, endpoint.port, &hints, &list) == 0 else {
            throw .unreachable
        }
        defer { unsafe freeaddrinfo(list) }
        return try unsafe connect(toOneOf: list, deadline)
    }

    /// Each address has its share of the time: one that does not answer costs no other its turn.
    static func connect(
        toOneOf list: UnsafeMutablePointer<addrinfo>?,
        _ deadline: UInt64
    ) throws(Failure) -> Int32 {
        var (left, next) = unsafe (UInt64(0), list)
        while let address = unsafe next {
            left += 1
            unsafe next = unsafe address.pointee.ai_next
        }
        unsafe next = unsafe list
        while let address = unsafe next {
            let now = uptimeNanoseconds()
            let share = now &+ (max(now, deadline) &- now) / left
            left -= 1
            let flags = SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
            let descriptor = unsafe socket(address.pointee.ai_family, Int32(flags), 0)
            let status = unsafe Glibc.connect(
                descriptor,
                address.pointee.ai_addr,
                address.pointee.ai_addrlen
            )
            if status == 0 || errno == EINPROGRESS, finished(descriptor, share) {
                return descriptor
            }
            if descriptor >= 0 { _ = Glibc.close(descriptor) }
            unsafe next = unsafe address.pointee.ai_next
        }
        throw .unreachable
    }

    private static func finished(_ descriptor: Int32, _ deadline: UInt64) -> Bool {
        guard wait(descriptor, POLLOUT, deadline) else { return false }
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0
            && error == 0
    }

    private static func wait(_ descriptor: Int32, _ events: Int32, _ deadline: UInt64) -> Bool {
        var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        while true {
            let now = uptimeNanoseconds()
            guard now < deadline else { return false }
            let milliseconds = Int32(clamping: (deadline - now) / 1_000_000 + 1)
            let status = unsafe poll(&request, 1, milliseconds)
            if status > 0 { return true }
            if status < 0, errno != EINTR { return false }
        }
    }

    private func send(_ bytes: [UInt8], _ deadline: UInt64) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[sent...])
                return unsafe Glibc.send(
                    descriptor,
                    rest.baseAddress,
                    rest.count,
                    Int32(MSG_NOSIGNAL)
                )
            }
            if count > 0 {
                sent += count
            } else if errno == EAGAIN {
                guard Self.wait(descriptor, POLLOUT, deadline) else { throw .timedOut }
            } else if errno != EINTR {
                throw .unreachable
            }
        }
    }

    /// False when the receiver has closed the connection.
    private mutating func readMore(_ deadline: UInt64) throws(Failure) -> Bool {
        // Whoever sends without end never lets anybody wait.
        guard uptimeNanoseconds() < deadline else { throw .timedOut }
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                received.append(contentsOf: buffer[..<count])
                return true
            }
            if count == 0 { return false }
            if errno == EAGAIN {
                guard Self.wait(descriptor, POLLIN, deadline) else { throw .timedOut }
            } else if errno != EINTR {
                throw .unreachable
            }
        }
    }

    private mutating func readHead(_ deadline: UInt64) throws(Failure) -> AnswerHead {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = received.firstRange(of: end) {
                let text = String(decoding: received[..<range.lowerBound], as: UTF8.self)
                received.removeSubrange(..<range.upperBound)
                guard let head = AnswerHead(text) else { throw .malformed }
                return head
            }
            guard received.count < Self.headBytesMax else { throw .tooLarge }
            guard try readMore(deadline) else { throw .unreachable }
        }
    }

    private mutating func readBody(
        _ head: AnswerHead,
        _ deadline: UInt64
    ) throws(Failure) -> [UInt8] {
        if head.status == 204 || head.status == 304 { return [] }
        if head.isChunked { return try readChunks(deadline) }
        guard let length = head.length else {
            while try readMore(deadline) { try checkSize(received.count) }
            return received
        }
        try checkSize(length)
        return try take(length, deadline)
    }

    private mutating func readChunks(_ deadline: UInt64) throws(Failure) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try takeLine(deadline)
            let digits = line.prefix { $0 != ";" }.trimmingSpaces()
            guard let length = Int(digits, radix: 16), length >= 0 else { throw .malformed }
            guard length <= Self.bodyBytesMax - body.count else { throw .tooLarge }
            body += try take(length, deadline)
            // The line's end behind the chunk; behind the last one, trailers until an empty line.
            while try takeLine(deadline) != "", length == 0 {}
            if length == 0 { return body }
        }
    }

    private mutating func takeLine(_ deadline: UInt64) throws(Failure) -> Substring {
        while true {
            if let range = received.firstRange(of: Array("\r\n".utf8)) {
                let line = String(decoding: received[..<range.lowerBound], as: UTF8.self)
                received.removeSubrange(..<range.upperBound)
                return line[...]
            }
            guard received.count < Self.headBytesMax else { throw .tooLarge }
            guard try readMore(deadline) else { throw .malformed }
        }
    }

    private mutating func take(_ count: Int, _ deadline: UInt64) throws(Failure) -> [UInt8] {
        while received.count < count {
            guard try readMore(deadline) else { throw .malformed }
        }
        let taken = Array(received[..<count])
        received.removeSubrange(..<count)
        return taken
    }

    private func checkSize(_ count: Int) throws(Failure) {
        if count > Self.bodyBytesMax { throw .tooLarge }
    }
}

/// A status line and its fields.
private struct AnswerHead {
    let status: Int
    private var fields: [String: String] = [:]

    init?(_ text: String) {
        let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            return nil
        }
        self.status = status
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].trimmingSpaces()
            fields[line[..<colon].lowercased()] = String(value)
        }
    }

    subscript(_ name: String) -> String? { fields[name] }

    var isChunked: Bool { fields["transfer-encoding"]?.lowercased() == "chunked" }
    var length: Int? { fields["content-length"].flatMap { Int($0) }.flatMap { $0 < 0 ? nil : $0 } }
    var hasKnownLength: Bool { isChunked || length != nil || status == 204 }
}
