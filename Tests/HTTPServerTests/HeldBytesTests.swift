// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Synchronization
import Testing

@testable import HTTPServer

/// What a server holds for all of its peers together.
struct HeldBytesTests {
    private static let limits: ServerLimits = {
        var limits = ServerLimits()
        limits.heldBytesMax = 1_000_000
        limits.lingerTimeout = .milliseconds(200)
        return limits
    }()

    private final class Count: Sendable { let value = Atomic<Int>(0) }
    private final class Replies: Sendable { let all = Mutex<[Int: Int]>([:]) }

    private let length = route(.post, "/length") {
        Response(status: 200, contentType: "text/plain", "\($0.body.count)")
    }

    private static func head(_ framing: String) -> String {
        "POST /length HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n"
    }

    /// Half of the second fits, and neither is whole yet.
    @Test(arguments: ["Content-Length: 700000", "Transfer-Encoding: chunked"])
    func `bodies that do not end are held up to a maximum`(framing: String) async throws {
        try await ServerScope([length], limits: Self.limits).run { site in
            let isChunked = framing.hasSuffix("chunked")
            let part = [UInt8](repeating: 1, count: 600_000)
            let start = Array((Self.head(framing) + (isChunked ? "aae60\r\n" : "")).utf8) + part
            let clients = [try await site.connect(), try await site.connect()]
            for client in clients { try await client.send(start) }
            let replies = Replies()
            let readers = clients.indices.map { index in
                Task(executorPreference: site.loop) {
                    let reply = try await clients[index].reply()
                    replies.all.withLock { $0[index] = reply.status }
                    return reply
                }
            }
            while replies.all.withLock(\.isEmpty) {
                try await site.loop.sleep(nanoseconds: 1_000_000)
            }
            #expect(Array(replies.all.withLock { $0 }.values) == [503])
            let refused = try #require(replies.all.withLock { $0 }.keys.first)
            let rest =
                [UInt8](repeating: 1, count: 100_000)
                + (isChunked ? Array("\r\n0\r\n\r\n".utf8) : [])
            try await clients[1 - refused].send(rest)
            let whole = try await readers[1 - refused].value
            #expect(whole.status == 200 && whole.text == "700000")
            for client in clients { client.close() }
            // What was held is free again.
            let small = [UInt8](repeating: 1, count: 700_000)
            let again = try await site.connect()
            for _ in 0..<3 {
                try await again.send(Array(Self.head("Content-Length: 700000").utf8) + small)
                #expect(try await again.reply().status == 200)
            }
            again.close()
        }
    }

    /// It reads 64 KiB every ten milliseconds, which takes ten times what a short answer may take.
    @Test func `a long answer has time for a slow reader`() async throws {
        let bytes = [UInt8](repeating: 7, count: 6_000_000)
        let big = route(.get, "/big") { _ in Response(status: 200, body: .bytes(bytes)) }
        var limits = ServerLimits()
        limits.writeTimeout = .milliseconds(50)
        try await ServerScope([big], limits: limits).run { site in
            let client = try await site.connect()
            client.pause = 10_000_000
            try await client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.reply().body == bytes)
            client.close()
        }
    }

    @Test func `answers that nobody takes are held up to a maximum`() async throws {
        let count = Count()
        let big = route(.get, "/big") { _ in
            count.value.add(1, ordering: .relaxed)
            return Response(status: 200, body: .bytes([UInt8](repeating: 7, count: 20_000_000)))
        }
        var limits = Self.limits
        limits.heldBytesMax = 30_000_000
        try await ServerScope([big, length], limits: limits).run { site in
            let get = "GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
            let first = try await site.connect()
            try await first.send(get)
            while count.value.load(ordering: .relaxed) < 1 {
                try await site.loop.sleep(nanoseconds: 1_000_000)
            }
            let second = try await site.connect()
            try await second.send(get)
            while count.value.load(ordering: .relaxed) < 2 || site.server.connectionCount > 1 {
                try await site.loop.sleep(nanoseconds: 1_000_000)
            }
            // Who asks for little is served meanwhile, and who was first has its answer.
            #expect(try await site.ask(Self.head("Content-Length: 0")).status == 200)
            #expect(try await first.reply().body.count == 20_000_000)
            first.close()
            second.close()
        }
    }
}
