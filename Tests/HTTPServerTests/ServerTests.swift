// SPDX-License-Identifier: Apache-2.0
import Compression
import EventLoop
import Synchronization
import Telemetry
import Testing

@testable import HTTPServer

/// Bytes that Swift does not own.
private final class Outside: ExternalBytes {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows -> Value {
        try unsafe bytes.withUnsafeBytes(body)
    }
}

private let long = String(repeating: "All work and no play. ", count: 200)

private let routes: [Route] = [
    route(.get, "/") { _ in Response(status: 200, contentType: "text/plain", "hello") },
    route(.post, "/echo", bodyBytesMax: 100_000) { request in
        Response(status: 201, contentType: "text/plain", request.body)
    },
    route(.get, "/hello/{name}") { request in
        Response(status: 200, contentType: "text/plain", "hello \(request.pathParameter("name"))")
    },
    route(.get, "/long") { _ in Response(status: 200, contentType: "application/json", long) },
    route(.get, "/huge") { _ in
        Response(status: 200, contentType: "text/csv", String(repeating: long, count: 200))
    },
    route(.get, "/outside") { _ in
        Response(
            status: 200,
            headers: ["Content-Type": "text/plain"],
            body: .external(Outside(Array(long.utf8)))
        )
    },
    route(.get, "/stream") { _ in
        Response(
            status: 200,
            headers: ["Content-Type": "text/plain"],
            body: .stream(length: nil) { writer in
                for word in ["one ", "two ", "three"] { try await writer.write(word) }
            }
        )
    },
    route(.get, "/sized") { _ in
        Response(
            status: 200,
            body: .stream(length: 6) { writer in
                for word in ["one", "two"] { try await writer.write(word) }
            }
        )
    },
    route(.get, "/broken-at-once") { _ in
        Response(status: 200, body: .stream(length: nil) { _ in throw CancellationError() })
    },
    route(.get, "/broken-later") { _ in
        Response(
            status: 200,
            body: .stream(length: nil) { writer in
                try await writer.write("some")
                throw CancellationError()
            }
        )
    },
    route(.get, "/nothing") { _ in Response(status: 204) },
    route(.get, "/liar") { _ in
        Response(
            status: 200,
            reason: "Fine\r\nX: y",
            headers: ["Content-Length": "99", "Transfer-Encoding": "gzip", "A": "b\r\nC: d"],
            body: .bytes([65])
        )
    },
]

private func get(_ path: String, _ fields: String = "") -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n"
}

struct ServerTests {
    private func ask(_ request: String) async throws -> Reply {
        try await ServerScope(routes).run { try await $0.ask(request) }
    }

    @Test func `the trace says what a method was that none of ours is`() async throws {
        let scope = try ServerScope(routes)
        let long = String(repeating: "X", count: 100)
        try await scope.run { site in
            for method in ["TRACE", "QUERY", long, "GET"] {
                let id = "4bf92f3577b34da6a3ce929d0e0e4736"
                _ = try await site.ask(
                    "\(method) / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                        + "traceparent: 00-\(id)-00f067aa0ba902b7-01\r\n\r\n"
                )
            }
        }
        let kept = scope.telemetry.traces.all.reversed().map { $0.facts(of: -1) }
        func texts(_ key: String) -> [String?] {
            kept.map { facts in facts.first { $0.key == key }?.value.text }
        }
        #expect(texts("http.request.method") == ["_OTHER", "_OTHER", "_OTHER", "GET"])
        let originals = texts("http.request.method_original")
        #expect(originals == ["TRACE", "QUERY", String(repeating: "X", count: 64), nil])
    }

    @Test(
        arguments: [
            ("", nil, "absent"), ("baggage: tenant=acme\r\n", "tenant=acme", "absent"),
            ("traceparent: nonsense\r\nbaggage: tenant=a\r\n", "tenant=a", "invalid"),
            (Self.parent + "baggage: tenant=a\r\n", "tenant=a", "accepted"),
            (Self.parent + Self.parent, nil, "invalid"),
            (Self.parent + "X: y\r\nTraceParent: nonsense\r\n", nil, "invalid"),
        ] as [(String, String?, String)]
    )
    func `a caller's trace is one or none, and baggage needs none`(
        fields: String,
        baggage: String?,
        origin: String
    ) async throws {
        var configuration = TelemetryConfiguration()
        configuration.baggageKeys = ["tenant"]
        configuration.keepOneTraceIn = 1
        let scope = try ServerScope(routes, telemetry: Telemetry(configuration))
        _ = try await scope.run { try await $0.ask(get("/", fields + "Connection: close\r\n")) }
        let kept = try #require(scope.telemetry.traces.all.first)
        #expect(kept.baggage == baggage)
        #expect(String(describing: kept.context.origin) == origin)
    }

    private static let parent =
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n"

    @Test func `what is not found counts where the service is looked for, and nowhere else`()
        async throws
    {
        for listener in Listener.allCases {
            let scope = try ServerScope(routes, listener: listener)
            _ = try await scope.run { try await $0.ask(get("/none", "Connection: close\r\n")) }
            let requests = scope.telemetry.objectives.standings.map(\.requests)
            #expect(requests == (listener == .admin ? [0, 0] : [1, 1]), "\(listener)")
        }
    }

    @Test func `a request is answered with a length and a date`() async throws {
        let reply = try await ask(get("/"))
        #expect(reply.status == 200)
        #expect(reply.text == "hello")
        #expect(reply.header("Content-Length") == "5")
        #expect(reply.header("Date")?.hasSuffix(" GMT") == true)
        #expect(reply.header("Connection") == nil)
    }

    @Test(arguments: [
        (get("/hello/J%C3%BCrgen%2F"), 200, "hello Jürgen/"),
        (get("/none"), 404, nil),
        (get("/%"), 400, nil),
        ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, nil),
        ("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n", 204, ""),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 204, ""),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 201, "abc"),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 201, "abcde"
        ),
        (get("/outside"), 200, long),
        (get("/stream"), 200, "one two three"),
        (get("/sized"), 200, "onetwo"),
        (get("/nothing"), 204, ""),
        (get("/broken-at-once"), 500, nil),
        ("GET / HTTP/1.0\r\n\r\n", 200, "hello"),
        ("GET /stream HTTP/1.0\r\n\r\n", 200, "one two three"),
    ])
    func `a request has its answer`(request: String, status: Int, body: String?) async throws {
        let reply = try await ask(request)
        #expect(reply.status == status)
        if let body { #expect(reply.text == body) }
    }

    @Test func `a path without that method says which it has`() async throws {
        let reply = try await ask("PUT /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(reply.status == 405)
        #expect(reply.header("Allow") == "POST, OPTIONS")
        #expect(reply.text.hasPrefix(#"{"code":"method_not_allowed","details":null,"#))
    }

    @Test func `what a route says about framing is not believed`() async throws {
        let reply = try await ask(get("/liar"))
        #expect(reply.header("Content-Length") == "1")
        #expect(reply.header("Transfer-Encoding") == nil)
        #expect(reply.header("C") == nil)
        #expect(reply.header("X") == nil)
        #expect(reply.text == "A")
    }

    @Test func `HEAD has the head of GET and no body`() async throws {
        try await ServerScope(routes).run { site in
            let client = try await site.connect()
            for (path, length) in [("/", "5"), ("/outside", "\(long.utf8.count)")] {
                try await client.send("HEAD \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                let reply = try await client.reply(toHead: true)
                #expect(reply.status == 200)
                #expect(reply.header("Content-Length") == length)
            }
            try await client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            _ = try await client.reply(toHead: true)
            #expect(try await client.rest() == [])
        }
    }

    @Test func `a stream that breaks off is not taken for a whole one`() async throws {
        try await ServerScope(routes).run { site in
            let client = try await site.connect()
            try await client.send(get("/broken-later"))
            await #expect(throws: Client.ConnectionClosed.self) { _ = try await client.reply() }
        }
    }

    @Test(arguments: ["/long", "/outside", "/huge", "/stream"])
    func `whoever accepts gzip gets it, and it decodes to the same`(path: String) async throws {
        let (plain, coded) = try await ServerScope(routes).run { site in
            let plain = try await site.ask(get(path))
            return (plain, try await site.ask(get(path, "Accept-Encoding: br, gzip;q=0.5\r\n")))
        }
        #expect(plain.header("Vary") == "Accept-Encoding")
        #expect(plain.header("Content-Encoding") == nil)
        #expect(coded.header("Vary") == "Accept-Encoding")
        #expect(coded.header("Content-Encoding") == "gzip")
        let decoded = try GzipDecompressor.decompress(coded.body, bytesMax: 10_000_000)
        #expect(decoded == plain.body)
    }

    @Test(arguments: [
        ("gzip", true), ("GZIP", true), ("gzip;q=0", false), ("gzip; q=0.001", true),
        ("*", true), ("*;q=0", false), ("br", false), ("", false), ("identity, *;q=0", false),
        ("gzip;q=0.5, identity;q=0.9", false), ("gzip;q=x", false), ("deflate, gzip", true),
        ("gzip;q=0, *", false),
    ])
    func `Accept-Encoding is weighed`(value: String, accepts: Bool) {
        #expect(ContentCoding.acceptsGzip(["Accept-Encoding": value]) == accepts)
    }

    @Test func `many requests use one connection`() async throws {
        try await ServerScope(routes).run { site in
            let client = try await site.connect()
            for number in 0..<50 {
                try await client.send(get("/hello/\(number)"))
                #expect(try await client.reply().text == "hello \(number)")
            }
            #expect(site.server.connectionCount == 1)
        }
    }

    @Test func `pipelined requests are answered in order`() async throws {
        try await ServerScope(routes).run { site in
            let client = try await site.connect()
            var requests = ""
            for number in 0..<500 {
                requests += get("/hello/\(number)")
                requests += "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
            }
            async let sent: Void = client.send(requests)
            for number in 0..<500 {
                #expect(try await client.reply().text == "hello \(number)")
                #expect(try await client.reply().text == "hi")
            }
            try await sent
        }
    }

    @Test func `a request may come byte by byte`() async throws {
        try await ServerScope(routes).run { site in
            let client = try await site.connect()
            let request = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            for byte in Array("\(request)3\r\nabc\r\n0\r\n\r\n".utf8) {
                try await client.send([byte])
                try await site.loop.sleep(nanoseconds: 100_000)
            }
            #expect(try await client.reply().text == "abc")
        }
    }

    @Test func `the connection ends when either side says so`() async throws {
        try await ServerScope(routes).run { site in
            for request in [get("/", "Connection: close\r\n"), "GET / HTTP/1.0\r\n\r\n"] {
                let client = try await site.connect()
                try await client.send(request)
                let reply = try await client.reply()
                #expect(reply.header("Connection") == "close")
                #expect(try await client.rest() == [])
            }
            let client = try await site.connect()
            try await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(try await client.reply().header("Connection") == "keep-alive")
            try await client.send(get("/"))
            #expect(try await client.reply().status == 200)
        }
    }

    @Test func `a client that asks before it sends is told to go on`() async throws {
        try await ServerScope(routes).run { site in
            let client = try await site.connect()
            let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"
            try await client.send("\(head)Expect: 100-continue\r\n\r\n")
            #expect(try await client.reply().status == 100)
            try await client.send("ok")
            #expect(try await client.reply().text == "ok")
        }
    }

    @Test(arguments: [
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n", 413),
        ("POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n", 404),
        ("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 100001\r\n", 405),
    ])
    func `a client that asks first is spared a body in vain`(
        head: String,
        status: Int
    ) async throws {
        try await ServerScope(routes).run { site in
            let client = try await site.connect()
            try await client.send("\(head)Expect: 100-continue\r\n\r\n")
            let reply = try await client.reply()
            #expect(reply.status == status)
            #expect(reply.header("Connection") == "close")
        }
    }

    @Test func `two loops and a Unix socket serve alike`() async throws {
        let path = "/tmp/http-\(UInt32.random(in: 0 ... .max)).sock"
        let replies = try await ServerScope(routes, loops: 2).run(on: .unix(path: path)) { site in
            var replies: [Int] = []
            for _ in 0..<20 { replies.append(try await site.ask(get("/")).status) }
            return replies
        }
        #expect(replies == Array(repeating: 200, count: 20))
    }
}
