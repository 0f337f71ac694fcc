// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Foundation
import Synchronization
import Telemetry
import Testing

@testable import HTTPServer

/// What a server holds for all of its peers together.
@Suite(.timeLimit(.minutes(1))) struct HeldBytesTests {
    private static let limits: ServerLimits = {
        var limits = ServerLimits()
        limits.heldBytesMax = 1_000_000
        limits.lingerTimeout = .seconds(30)
        return limits
    }()

    private final class Count: Sendable { let value = Atomic<Int>(0) }
    private final class Replies: Sendable { let all = Mutex<[Int: Int]>([:]) }

    /// The kernel keeps some 200 kB of what is sent over it, and not several megabytes.
    private var unixSocket: SocketAddress {
        .unix(path: NSTemporaryDirectory() + "held-\(UInt32.random(in: 0 ... .max)).sock")
    }

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
            try #require(
                try await eventually(on: site.loop) { replies.all.withLock { !$0.isEmpty } }
            )
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
            let body = [UInt8](repeating: 1, count: 700_000)
            let again = try await site.connect()
            for _ in 0..<3 {
                try await again.send(Array(Self.head("Content-Length: 700000").utf8) + body)
                #expect(try await again.reply().status == 200)
            }
            again.close()
        }
    }

    /// It takes six seconds, where a short answer has four.
    @Test func `a long answer has time for a slow reader`() async throws {
        let bytes = [UInt8](repeating: 7, count: 6_000_000)
        let big = route(.get, "/big") { _ in Response(status: 200, body: .bytes(bytes)) }
        var limits = ServerLimits()
        limits.writeTimeout = .seconds(4)
        try await ServerScope([big], limits: limits).run(on: unixSocket) { site in
            let client = try await site.connect()
            client.pause = 65_000_000
            try await client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await client.reply().body == bytes)
            client.close()
        }
    }

    @Test func `who takes nothing of a long answer is dropped in the time of a short one`()
        async throws
    {
        let big = route(.get, "/big") { _ in
            Response(status: 200, body: .bytes([UInt8](repeating: 7, count: 8_000_000)))
        }
        var limits = ServerLimits()
        limits.writeTimeout = .milliseconds(150)
        try await ServerScope([big], limits: limits).run(on: unixSocket) { site in
            let client = try await site.connect()
            try await client.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try await eventually(on: site.loop) { site.server.connectionCount == 1 })
            // Its answer's length alone would give it two minutes.
            #expect(try await eventually(on: site.loop) { site.server.connectionCount == 0 })
            client.close()
        }
    }

    /// Those that would be compressed are held while they are.
    @Test(arguments: ["identity", "gzip"])
    func `answers that nobody takes are held up to a maximum`(coding: String) async throws {
        let count = Count()
        // Nothing comes again within what deflate looks back.
        let block = (0..<65_536).map { _ in UInt8.random(in: 0...255) }
        var noise: [UInt8] = []
        for _ in 0..<128 { noise += block }
        let body = noise
        let big = route(.get, "/big") { _ in
            count.value.add(1, ordering: .relaxed)
            return Response(status: 200, headers: ["Content-Type": "text/csv"], body: .bytes(body))
        }
        var limits = Self.limits
        limits.heldBytesMax = 12_000_000
        let scope = try ServerScope([big, length], limits: limits)
        try await scope.run(on: unixSocket) { site in
            let get = "GET /big HTTP/1.1\r\nHost: a\r\nAccept-Encoding: \(coding)\r\n\r\n"
            let first = try await site.connect()
            try await first.send(get)
            try #require(
                try await eventually(on: site.loop) { count.value.load(ordering: .relaxed) == 1 }
            )
            let text = String(decoding: scope.telemetry.exposition(as: .text), as: UTF8.self)
            #expect(text.contains("lucarne_http_held_bytes{listener=\"public\"} \(body.count)\n"))
            let second = try await site.connect()
            try await second.send(get)
            #expect(
                try await eventually(on: site.loop) {
                    count.value.load(ordering: .relaxed) == 2 && site.server.connectionCount == 1
                }
            )
            // Who asks for little is served meanwhile, and who was first has its answer.
            #expect(try await site.ask(Self.head("Content-Length: 0")).status == 200)
            let reply = try await first.reply()
            #expect(coding == "gzip" ? reply.body.count > 8_000_000 : reply.body == body)
            first.close()
            second.close()
        }
    }
}
