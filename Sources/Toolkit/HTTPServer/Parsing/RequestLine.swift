// SPDX-License-Identifier: Apache-2.0

/// `method SP request-target SP HTTP-version` (RFC 9112 §3), exactly so.
struct RequestLine {
    var method: Method
    var version: HTTPVersion
    var target: Range<Int>
    var path: Range<Int>
    var query: Range<Int>?
    /// The host and port of a target in absolute form.
    var authority: Range<Int>?

    init(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(Malformed) {
        let space = UInt8(ascii: " ")
        var mark = line.lowerBound
        while mark < line.upperBound, ByteClass.isToken(unsafe bytes[unchecked: mark]) { mark += 1 }
        guard mark < line.upperBound else { throw .requestLine }
        guard bytes[mark] == space, mark > line.lowerBound else { throw .method }
        let methodRange = line.lowerBound..<mark

        let start = mark + 1
        mark = start
        var question: Int?
        while mark < line.upperBound {
            let byte = unsafe bytes[unchecked: mark]
            guard ByteClass.isTarget(byte) else { break }
            if byte == UInt8(ascii: "?"), question == nil { question = mark }
            mark += 1
        }
        guard mark < line.upperBound else { throw .requestLine }
        guard bytes[mark] == space, mark > start else { throw .target }
        target = start..<mark
        path = start..<(question ?? mark)
        query = question.map { $0 + 1..<mark }
        version = try Self.version(bytes.extracting(mark + 1..<line.upperBound))
        method = Self.method(bytes.extracting(methodRange))
        try resolveTarget(bytes)
    }

    private static func method(_ token: Span<UInt8>) -> Method {
        switch (token.count, token[0]) {
        case (3, UInt8(ascii: "G")) where equals(token, "GET"): .get
        case (4, UInt8(ascii: "P")) where equals(token, "POST"): .post
        default:
            Method(
                unsafe token.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
            )
        }
    }

    private static func equals(_ token: Span<UInt8>, _ word: StaticString) -> Bool {
        let word = unsafe UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        for index in token.indices where unsafe token[unchecked: index] != word[index] {
            return false
        }
        return true
    }

    private static func version(_ bytes: Span<UInt8>) throws(Malformed) -> HTTPVersion {
        guard bytes.count == 8, equals(bytes.extracting(0..<5), "HTTP/"),
            ByteClass.isDigit(bytes[5]), bytes[6] == UInt8(ascii: "."),
            ByteClass.isDigit(bytes[7])
        else { throw .version }
        guard bytes[5] == UInt8(ascii: "1") else { throw .versionUnsupported }
        // RFC 9110 §2.5: a higher minor version is answered as the highest that is known.
        return bytes[7] == UInt8(ascii: "0") ? .http10 : .http11
    }

    /// The four forms of RFC 9112 §3.2.
    private mutating func resolveTarget(_ bytes: Span<UInt8>) throws(Malformed) {
        guard method != .connect else { throw .tunnelUnsupported }
        let first = bytes[target.lowerBound]
        if first == UInt8(ascii: "/") { return }
        if target.count == 1, first == UInt8(ascii: "*"), method == .options { return }
        try resolveAbsolute(bytes)
    }

    private mutating func resolveAbsolute(_ bytes: Span<UInt8>) throws(Malformed) {
        var schemeLength: Int?
        for scheme in ["http://", "https://"] as [StaticString] {
            let length = scheme.utf8CodeUnitCount
            guard target.count > length else { continue }
            let start = bytes.extracting(target.lowerBound..<target.lowerBound + length)
            if equalIgnoringCase(start, scheme) { schemeLength = length }
        }
        guard let schemeLength else { throw .target }
        let start = target.lowerBound + schemeLength
        var end = start
        while end < path.upperBound, bytes[end] != UInt8(ascii: "/") { end += 1 }
        guard end > start else { throw .target }
        authority = start..<end
        // An empty path means "/" (RFC 9110 §4.2.3): the scheme's last slash serves.
        path = end < path.upperBound ? end..<path.upperBound : start - 1..<start
    }
}
