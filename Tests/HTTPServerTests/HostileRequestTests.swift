// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import HTTPServer

private let get = "GET / HTTP/1.1\r\nHost: a\r\n"
private let post = "POST / HTTP/1.1\r\nHost: a\r\n"
private let chunked = "\(post)Transfer-Encoding: chunked\r\n\r\n"

/// Bytes that are refused, why, and with which status.
private let corpus: [(bytes: String, why: Malformed, status: Int)] = [
    // The request line (RFC 9112 §3).
    ("GET /\r\nHost: a\r\n\r\n", .requestLine, 400),
    ("GET\r\n\r\n", .requestLine, 400),
    ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", .version, 400),
    ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .version, 400),
    (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .method, 400),
    ("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n", .method, 400),
    ("G@T / HTTP/1.1\r\nHost: a\r\n\r\n", .method, 400),
    ("GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", .method, 400),
    ("GET\0 / HTTP/1.1\r\nHost: a\r\n\r\n", .method, 400),
    ("\u{16}\u{3}\u{1}\u{2}", .method, 400),
    ("GÉT / HTTP/1.1\r\nHost: a\r\n\r\n", .method, 400),
    ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET /\u{7F} HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .version, 400),
    ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", .target, 400),
    ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", .hostContradicted, 400),
    ("GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n", .hostContradicted, 400),
    ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", .hostContradicted, 400),
    ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", .tunnelUnsupported, 501),
    ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .versionUnsupported, 505),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .versionUnsupported, 505),
    ("GET / HTTP/0.9\r\n\r\n", .versionUnsupported, 505),
    ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", .versionUnsupported, 505),
    ("GET / http/1.1\r\nHost: a\r\n\r\n", .version, 400),
    ("GET / HTTP/1\r\nHost: a\r\n\r\n", .version, 400),
    ("GET / HTTP/11\r\nHost: a\r\n\r\n", .version, 400),
    ("GET / HTTP/1.10\r\nHost: a\r\n\r\n", .version, 400),
    ("GET / HTTP/1,1\r\nHost: a\r\n\r\n", .version, 400),
    ("GET / ICY/1.1\r\nHost: a\r\n\r\n", .version, 400),
    ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .requestLine, 400),
    // Line ends (RFC 9112 §2.2).
    ("GET / HTTP/1.1\nHost: a\n\n", .bareLineFeed, 400),
    ("GET / HTTP/1.1\r\nHost: a\n\r\n", .bareLineFeed, 400),
    ("GET / HTTP/1.1\r\nHost: a\r\n\n", .bareLineFeed, 400),
    ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", .bareLineFeed, 400),
    ("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", .version, 400),
    ("\(get)A: b\rc\r\n\r\n", .bareCarriageReturn, 400),
    ("\(get)A: b\r\r\n\r\n", .bareCarriageReturn, 400),
    ("\(get)\rA: b\r\n\r\n", .fieldName, 400),
    // Fields (RFC 9112 §5, RFC 9110 §5).
    ("\(get)A : b\r\n\r\n", .spaceBeforeColon, 400),
    ("\(get)A\t: b\r\n\r\n", .spaceBeforeColon, 400),
    ("\(get)Content-Length : 5\r\n\r\n", .spaceBeforeColon, 400),
    ("\(get)A: b\r\n c\r\n\r\n", .fieldFolded, 400),
    ("\(get)A: b\r\n\tc\r\n\r\n", .fieldFolded, 400),
    ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .fieldFolded, 400),
    ("\(get)A\r\n\r\n", .colonMissing, 400),
    ("\(get): b\r\n\r\n", .fieldName, 400),
    ("\(get)A(B): c\r\n\r\n", .fieldName, 400),
    ("\(get)Ä: c\r\n\r\n", .fieldName, 400),
    ("\(get)A\0: c\r\n\r\n", .fieldName, 400),
    ("\(get)A: \0\r\n\r\n", .fieldValue, 400),
    ("\(get)A: longer than a word \u{1}\r\n\r\n", .fieldValue, 400),
    ("\(get)A: \u{7F}12345678\r\n\r\n", .fieldValue, 400),
    ("\(get)A: \u{B}\r\n\r\n", .fieldValue, 400),
    // Host (RFC 9112 §3.2).
    ("GET / HTTP/1.1\r\n\r\n", .hostMissing, 400),
    ("GET / HTTP/1.1\r\nAccept: a\r\n\r\n", .hostMissing, 400),
    ("\(get)Host: a\r\n\r\n", .hostRepeated, 400),
    ("\(get)hOST: b\r\n\r\n", .hostRepeated, 400),
    ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .hostRepeated, 400),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .hostInvalid, 400),
    ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .hostInvalid, 400),
    ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .hostInvalid, 400),
    ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .hostInvalid, 400),
    ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .hostInvalid, 400),
    ("GET / HTTP/1.1\r\nHost: a:800000\r\n\r\n", .hostInvalid, 400),
    ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .hostInvalid, 400),
    ("GET / HTTP/1.1\r\nHost: [g]\r\n\r\n", .hostInvalid, 400),
    // Lengths (RFC 9112 §6).
    ("\(post)Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", .lengthAndCoding, 400),
    ("\(post)Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", .lengthAndCoding, 400),
    ("\(post)Content-Length: 3\r\nContent-Length: 4\r\n\r\n", .lengthRepeated, 400),
    ("\(post)Content-Length: 3\r\nContent-Length: 3\r\n\r\n", .lengthRepeated, 400),
    ("\(post)Content-Length: 3, 3\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length: +3\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length: -3\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length: 0x3\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length: 3 3\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length: 3.0\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length:\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length: ٣\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length: 9223372036854775808\r\n\r\n", .lengthInvalid, 400),
    ("\(post)Content-Length: 99999999999\r\n\r\n", .bodyTooLarge, 413),
    ("\(post)Transfer-Encoding: gzip\r\n\r\n", .codingUnknown, 501),
    ("\(post)Transfer-Encoding: gzip, chunked\r\n\r\n", .codingUnknown, 501),
    ("\(post)Transfer-Encoding: identity\r\n\r\n", .codingUnknown, 501),
    ("\(post)Transfer-Encoding: xchunkedx\r\n\r\n", .codingMisplaced, 400),
    ("\(post)Transfer-Encoding: chunked, gzip\r\n\r\n", .codingMisplaced, 400),
    ("\(post)Transfer-Encoding: chunked, chunked\r\n\r\n", .codingMisplaced, 400),
    ("\(post)Transfer-Encoding: \u{B}chunked\r\n\r\n", .fieldValue, 400),
    ("\(post)Transfer-Encoding:\r\n\r\n", .codingMisplaced, 400),
    (
        "\(post)Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        .codingMisplaced, 400
    ),
    (
        "\(post)Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        .codingMisplaced, 400
    ),
    ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .codingInHTTP10, 400),
    ("\(post)Expect: 200-ok\r\n\r\n", .expectationUnknown, 417),
    ("\(post)Expect: 100-continue, x\r\n\r\n", .expectationUnknown, 417),
    // Chunks (RFC 9112 §7.1).
    ("\(chunked)\r\n", .chunkSize, 400),
    ("\(chunked)g\r\n", .chunkSize, 400),
    ("\(chunked)-1\r\n", .chunkSize, 400),
    ("\(chunked)+1\r\na\r\n", .chunkSize, 400),
    ("\(chunked)0x1\r\na\r\n", .chunkSize, 400),
    ("\(chunked) 1\r\na\r\n", .chunkSize, 400),
    ("\(chunked)1 \r\na\r\n", .chunkSize, 400),
    ("\(chunked)1\na\r\n", .bareLineFeed, 400),
    ("\(chunked)1\rx", .bareCarriageReturn, 400),
    ("\(chunked)1;x\na\r\n", .bareLineFeed, 400),
    ("\(chunked)1;\0\r\na\r\n", .chunkExtension, 400),
    ("\(chunked)1;\(String(repeating: "x", count: 5_000))\r\na\r\n", .chunkExtension, 400),
    ("\(chunked)1\r\nab\r\n", .chunkEnd, 400),
    ("\(chunked)1\r\na\n", .chunkEnd, 400),
    ("\(chunked)1\r\na\rb", .chunkEnd, 400),
    ("\(chunked)fffffffffffffff\r\n", .bodyTooLarge, 413),
    ("\(chunked)ffffffffffffffff\r\n", .chunkSize, 400),
    ("\(chunked)10000000000000001\r\n", .chunkSize, 400),
    ("\(chunked)0\r\n\n", .bareLineFeed, 400),
    ("\(chunked)0\r\n\rx", .bareCarriageReturn, 400),
    ("\(chunked)0\r\nA\r\n\r\n", .colonMissing, 400),
    ("\(chunked)0\r\nA : b\r\n\r\n", .spaceBeforeColon, 400),
    ("\(chunked)0\r\n A: b\r\n\r\n", .fieldFolded, 400),
    ("\(chunked)0\r\nA: b\n\r\n", .bareLineFeed, 400),
    ("\(chunked)0\r\nA: \0\r\n\r\n", .fieldValue, 400),
    ("\(chunked)0\r\nA: \(String(repeating: "x", count: 9_000))\r\n\r\n", .trailerTooLarge, 431),
    // Sizes.
    ("GET /\(String(repeating: "x", count: 17_000)) HTTP/1.1\r\n", .targetTooLong, 414),
    ("GET /\(String(repeating: "x", count: 17_000))", .targetTooLong, 414),
    ("GET /\(String(repeating: "x", count: 40_000))", .targetTooLong, 414),
    ("\(get)A: \(String(repeating: "x", count: 40_000))\r\n\r\n", .headTooLarge, 431),
    ("\(get)A: \(String(repeating: "x", count: 40_000))", .headTooLarge, 431),
    ("\(get)\(String(repeating: "A: b\r\n", count: 100))\r\n", .tooManyFields, 431),
]

struct HostileRequestTests {
    @Test(arguments: corpus.indices)
    func `what is not exactly a request is refused, and said why`(row: Int) {
        let (bytes, why, status) = corpus[row]
        let outcome = parse(bytes)
        #expect(outcome == .refused(why), "\(bytes.prefix(200).debugDescription)")
        #expect(why.status == status)
    }

    @Test(arguments: corpus.indices)
    func `a refusal does not depend on how the bytes arrive`(row: Int) {
        let bytes = Array(corpus[row].bytes.utf8)
        guard bytes.count < 1_000 else { return }
        let pieces = bytes.indices.map { bytes[$0...$0] }
        #expect(parse(pieces) == .refused(corpus[row].why))
    }

    @Test func `the corpus names every refusal there is`() {
        let named = Set(corpus.map(\.why))
        #expect(Malformed.allCases.filter { !named.contains($0) } == [])
    }
}
