// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HTTPServer

/// Requests that are answered, in every way RFC 9112 lets them be written.
private let valid: [(bytes: String, expected: Parsed)] = [
    ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", parsed("GET", "/", fields: ["Host=a"])),
    ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", parsed("GET", "/", fields: ["Host=a"])),
    (
        "GET /a%20b?x=1&y=%22?# HTTP/1.1\r\nHost: a\r\n\r\n"
            .replacing("#", with: ""),
        parsed("GET", "/a%20b", query: "x=1&y=%22?", fields: ["Host=a"])
    ),
    ("GET /? HTTP/1.1\r\nHost:\r\n\r\n", parsed("GET", "/", query: "", fields: ["Host="])),
    ("GET /ä HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", parsed("GET", "/ä", fields: ["Host=[::1]:80"])),
    (
        "GET / HTTP/1.1\r\nhOsT:a.b-c_d:8080\r\nA:\t b\tc \t\r\nEmpty: \r\nUtf8: schön\r\n\r\n",
        parsed("GET", "/", fields: ["hOsT=a.b-c_d:8080", "A=b\tc", "Empty=", "Utf8=schön"])
    ),
    ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", parsed("OPTIONS", "*", fields: ["Host=a"])),
    (
        "GET HTTP://A:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n",
        parsed("GET", "/x", query: "y", fields: ["Host=a:80"])
    ),
    ("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", parsed("GET", "/", fields: ["Host=a"])),
    (
        "GET http://a?b HTTP/1.1\r\nHost: a\r\n\r\n",
        parsed("GET", "/", query: "b", fields: ["Host=a"])
    ),
    ("GET / HTTP/1.9\r\nHost: a\r\n\r\n", parsed("GET", "/", fields: ["Host=a"])),
    ("GET / HTTP/1.0\r\n\r\n", parsed("GET", "/", keepsAlive: false)),
    (
        "GET / HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n",
        parsed("GET", "/", fields: ["Connection=x, Keep-Alive"])
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive ,CLOSE\r\n\r\n",
        parsed(
            "GET",
            "/",
            fields: ["Host=a", "Connection=keep-alive ,CLOSE"],
            keepsAlive: false
        )
    ),
    ("PURGE /x HTTP/1.1\r\nHost: a\r\n\r\n", parsed("PURGE", "/x", fields: ["Host=a"])),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        parsed("POST", "/", fields: ["Host=a", "Content-Length=5"], body: "hello")
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\nhelloGET /",
        parsed("POST", "/", fields: ["Host=a", "Content-Length=005"], body: "hello", rest: 5)
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        parsed("POST", "/", fields: ["Host=a", "Content-Length=0"])
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
            + "5\r\nhello\r\n00A;name=\"v\"\r\n, world 12\r\n0\r\n\r\n",
        parsed(
            "POST",
            "/",
            fields: ["Host=a", "Transfer-Encoding=Chunked"],
            body: "hello, world 12"
        )
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1\r\na\r\n000;x\r\nX-Sum: 1\r\nY:\r\n\r\nGET",
        parsed(
            "POST",
            "/",
            fields: ["Host=a", "Transfer-Encoding=chunked"],
            body: "a",
            rest: 3
        )
    ),
]

private func parsed(
    _ method: String,
    _ path: String,
    query: String? = nil,
    fields: [String] = [],
    body: String = "",
    keepsAlive: Bool = true,
    rest: Int = 0
) -> Parsed {
    Parsed(
        method: method,
        path: path,
        query: query,
        fields: fields,
        body: body,
        keepsAlive: keepsAlive,
        rest: rest
    )
}

struct ValidRequestTests {
    @Test(arguments: valid.indices)
    func `a request means what it says`(row: Int) {
        #expect(parse(valid[row].bytes) == .request(valid[row].expected))
    }

    @Test(arguments: valid.indices)
    func `a request means the same wherever it is cut`(row: Int) {
        let bytes = Array(valid[row].bytes.utf8)
        let whole = Outcome.request(valid[row].expected)
        for cut in bytes.indices {
            #expect(parse([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
        }
        #expect(parse(bytes.indices.map { bytes[$0...$0] }) == whole)
    }

    @Test(arguments: valid.indices)
    func `a request means the same cut at any two places`(row: Int) {
        let bytes = Array(valid[row].bytes.utf8)
        var random = SplitMix(state: UInt64(row))
        for _ in 0..<100 {
            let first = Int.random(in: 0...bytes.count, using: &random)
            let second = Int.random(in: first...bytes.count, using: &random)
            let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]]
            #expect(parse(pieces) == .request(valid[row].expected), "cut at \(first), \(second)")
        }
    }

    @Test(arguments: valid.indices)
    func `a chunked body decodes the same wherever it is cut`(row: Int) throws {
        let bytes = Array(valid[row].bytes.utf8)
        var parser = RequestParser(limits: ServerLimits())
        guard let head = try parser.parse(bytes.span), head.framing == .chunked else { return }
        let coded = bytes[head.byteCount...]
        for cut in coded.indices {
            var decoder = ChunkedDecoder(bodyBytesMax: 100)
            var body: [UInt8] = []
            for piece in [coded[..<cut], coded[cut...]] {
                _ = try decoder.decode(piece.span, into: &body)
            }
            #expect(decoder.isDone)
            #expect(String(decoding: body, as: UTF8.self) == valid[row].expected.body)
        }
    }

    @Test func `any prefix of a request is unfinished, not refused`() {
        for (bytes, expected) in valid {
            let bytes = Array(bytes.utf8)
            for end in 0..<bytes.count - expected.rest {
                #expect(parse([bytes[..<end]]) == .unfinished)
            }
        }
    }

    @Test func `random damage never crashes, and never grows a request`() {
        var random = SplitMix(state: 42)
        for round in 0..<20_000 {
            var bytes = Array(valid[round % valid.count].bytes.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
                default: bytes.remove(at: place)
                }
                if bytes.isEmpty { bytes = [0] }
            }
            let whole = parse([bytes[...]])
            let cut = Int.random(in: 0...bytes.count, using: &random)
            let pieces = parse([bytes[..<cut], bytes[cut...]])
            // With several faults in it, the one that is seen first depends on the cut.
            if case .refused = whole, case .refused = pieces { continue }
            #expect(pieces == whole)
            if case .request(let request) = whole { #expect(request.rest <= bytes.count) }
        }
    }
}

/// Random numbers that are the same each time (SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
