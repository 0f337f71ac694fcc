// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Lucarne

@Suite struct PlainRequestTests {
    @Test(arguments: [
        ("http://host/", "host:80", "http://host:80"),
        ("http://host:9090/a/", "host:9090", "http://host:9090/a"),
        ("http://[::1]:9090", "[::1]:9090", "http://[::1]:9090"),
        ("http://[::1]/a", "[::1]:80", "http://[::1]:80/a"),
    ])
    func `a host is written as it was read`(text: String, authority: String, shown: String) {
        let url = PlainURL(text)
        #expect(url?.authority == authority)
        #expect(url?.description == shown)
    }

    @Test(arguments: [
        ("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", "abcde"), ("0\r\n\r\n", ""),
        ("3\r\nab", nil), ("-1\r\nab\r\n", nil), ("x\r\n", nil), ("", nil),
        ("7FFFFFFFFFFFFFFF\r\nab\r\n", nil), ("FFFFFFFFFFFFFFFFF\r\nab\r\n", nil),
    ])
    func `chunks are joined, and what cannot be their size is refused`(
        chunks: String,
        body: String?
    ) {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let reply = try? PlainReply(parsing: Array((head + chunks).utf8))
        #expect(reply.map { String(decoding: $0.body, as: UTF8.self) } == body)
    }
}
