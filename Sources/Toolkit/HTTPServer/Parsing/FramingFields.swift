// SPDX-License-Identifier: Apache-2.0

/// The fields that decide where a request ends and what becomes of its connection.
struct FramingFields {
    private enum Coding { case none, chunked }

    private var length: Int?
    private var coding = Coding.none
    private var host: Range<Int>?
    private var saysClose = false
    private var saysKeepAlive = false
    private(set) var expectsContinue = false

    mutating func note(
        _ field: HeaderFields.Entry,
        in bytes: Span<UInt8>
    ) throws(Malformed) {
        // Five names matter; their lengths are all different.
        let name = bytes.extracting(field.name)
        switch name.count {
        case 4 where equalIgnoringCase(name, "host"): try noteHost(field.value, bytes)
        case 6 where equalIgnoringCase(name, "expect"):
            guard equalIgnoringCase(bytes.extracting(field.value), "100-continue") else {
                throw .expectationUnknown
            }
            expectsContinue = true
        case 10 where equalIgnoringCase(name, "connection"): noteConnection(field.value, bytes)
        case 14 where equalIgnoringCase(name, "content-length"):
            guard length == nil else { throw .lengthRepeated }
            length = try Self.length(bytes.extracting(field.value))
        case 17 where equalIgnoringCase(name, "transfer-encoding"):
            try noteCoding(bytes.extracting(field.value))
        default: break
        }
    }

    /// RFC 9112 §6.3. Both lengths present is how requests are smuggled: refused, not guessed.
    func framing(_ version: HTTPVersion) throws(Malformed) -> RequestHead.Framing {
        switch coding {
        case .none: return length.map { .length($0) } ?? .none
        case .chunked:
            guard length == nil else { throw .lengthAndCoding }
            guard version == .http11 else { throw .codingInHTTP10 }
            return .chunked
        }
    }

    /// RFC 9112 §9.3.
    func keepsAlive(_ version: HTTPVersion) -> Bool {
        !saysClose && (version == .http11 || saysKeepAlive)
    }

    /// RFC 9112 §3.2: exactly one Host in HTTP/1.1. Where the target names a host as well, a
    /// proxy before us may have decided by the other one, so they have to agree.
    func checkHost(of line: RequestLine, in bytes: Span<UInt8>) throws(Malformed) {
        guard let host else {
            guard line.version == .http10 else { throw .hostMissing }
            return
        }
        guard let authority = line.authority else { return }
        guard HostSyntax.isValid(bytes.extracting(authority)),
            equalIgnoringCase(bytes.extracting(authority), bytes.extracting(host))
        else { throw .hostContradicted }
    }

    private mutating func noteHost(_ value: Range<Int>, _ bytes: Span<UInt8>) throws(Malformed) {
        guard host == nil else { throw .hostRepeated }
        guard HostSyntax.isValid(bytes.extracting(value)) else { throw .hostInvalid }
        host = value
    }

    private mutating func noteConnection(_ value: Range<Int>, _ bytes: Span<UInt8>) {
        var start = value.lowerBound
        while start < value.upperBound {
            var end = start
            while end < value.upperBound, bytes[end] != UInt8(ascii: ",") { end += 1 }
            var (first, last) = (start, end)
            while first < last, ByteClass.isWhitespace(bytes[first]) { first += 1 }
            while last > first, ByteClass.isWhitespace(bytes[last - 1]) { last -= 1 }
            let option = bytes.extracting(first..<last)
            if equalIgnoringCase(option, "close") { saysClose = true }
            if equalIgnoringCase(option, "keep-alive") { saysKeepAlive = true }
            start = end + 1
        }
    }

    /// `1*DIGIT`, and nothing that another parser could take for a list or a sign.
    private static func length(_ value: Span<UInt8>) throws(Malformed) -> Int {
        guard !value.isEmpty, value.count <= 18 else { throw .lengthInvalid }
        var length = 0
        for index in value.indices {
            guard ByteClass.isDigit(value[index]) else { throw .lengthInvalid }
            length = length * 10 + Int(value[index] - UInt8(ascii: "0"))
        }
        return length
    }

    // RFC 9112 §6.1: an unknown coding is 501; chunked twice, or not at the end, is 400.
    private mutating func noteCoding(_ value: Span<UInt8>) throws(Malformed) {
        guard coding == .none, !value.isEmpty else { throw .codingMisplaced }
        guard equalIgnoringCase(value, "chunked") else {
            throw Self.mentionsChunked(value) ? .codingMisplaced : .codingUnknown
        }
        coding = .chunked
    }

    private static func mentionsChunked(_ value: Span<UInt8>) -> Bool {
        guard value.count >= 7 else { return false }
        // "gzip, chunked" is well formed, and a coding this server does not have.
        let endsInChunked = equalIgnoringCase(
            value.extracting(value.count - 7..<value.count),
            "chunked"
        )
        var mentions = 0
        for start in 0...value.count - 7
        where equalIgnoringCase(value.extracting(start..<start + 7), "chunked") {
            mentions += 1
        }
        return mentions > 1 || (mentions == 1 && !endsInChunked)
    }
}

/// `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
enum HostSyntax {
    static func isValid(_ value: Span<UInt8>) -> Bool {
        var mark = 0
        if value.count > 0, value[0] == UInt8(ascii: "[") {
            guard let end = endOfLiteral(value) else { return false }
            mark = end
        } else {
            while mark < value.count, isRegisteredName(value[mark]) { mark += 1 }
        }
        guard mark < value.count else { return true }
        guard value[mark] == UInt8(ascii: ":"), value.count - mark <= 6 else { return false }
        for index in mark + 1..<value.count where !ByteClass.isDigit(value[index]) { return false }
        return true
    }

    private static func endOfLiteral(_ value: Span<UInt8>) -> Int? {
        for index in 1..<value.count {
            let byte = value[index]
            if byte == UInt8(ascii: "]") { return index > 2 ? index + 1 : nil }
            let isPart = byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
            guard isPart || ByteClass.hexadecimal(byte) != nil else { return nil }
        }
        return nil
    }

    private static func isRegisteredName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }
}
