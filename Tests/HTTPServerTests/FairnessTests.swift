// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Foundation
import Synchronization
import Testing

@testable import HTTPServer

private func get(_ path: String) -> String { "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n" }

/// What the routes have seen.
private final class Seen: Sendable {
    let count = Atomic<Int>(0)
    let countThen = Atomic<Int>(-1)
    let isBlocked = Atomic<Bool>(false)
    let mayGoOn = Atomic<Bool>(false)

    /// Holds up the loop whose thread it is called on.
    func block() {
        isBlocked.store(true, ordering: .sequentiallyConsistent)
        while !mayGoOn.load(ordering: .sequentiallyConsistent) {}
    }
}

/// What one peer does to the others of its loop. Over a Unix socket where things are counted: what is
/// sent is there at once.
@Suite(.timeLimit(.minutes(1))) struct FairnessTests {
    private let seen = Seen()

    private var unixSocket: SocketAddress {
        .unix(path: NSTemporaryDirectory() + "fair-\(UInt32.random(in: 0 ... .max)).sock")
    }

    /// A client on a loop of its own, which goes on while the server's is blocked.
    private func elsewhere<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoop) async throws -> Value
    ) async throws -> Value {
        let group = try EventLoopGroup(count: 1)
        group.start(includingFirst: true) { _ in }
        defer {
            seen.mayGoOn.store(true, ordering: .sequentiallyConsistent)
            group.stop()
        }
        let loop = group.loops[0]
        return try await Task(executorPreference: loop) { try await body(loop) }.value
    }

    private func untilBlocked(_ loop: EventLoop) async throws {
        try #require(
            try await eventually(on: loop) {
                seen.isBlocked.load(ordering: .sequentiallyConsistent)
            }
        )
    }

    @Test func `whoever asks without end does not keep others from asking`() async throws {
        let other = Mutex<Client?>(nil)
        let routes = [
            route(.get, "/first") { [seen] _ in
                try? await other.withLock { $0 }?.send(get("/other"))
                seen.count.store(0, ordering: .relaxed)
                return Response(status: 200)
            },
            route(.get, "/count") { [seen] _ in
                seen.count.add(1, ordering: .relaxed)
                return Response(status: 200)
            },
            route(.get, "/other") { [seen] _ in
                seen.countThen.store(seen.count.load(ordering: .relaxed), ordering: .relaxed)
                return Response(status: 200)
            },
        ]
        try await ServerScope(routes).run(on: unixSocket) { [seen] site in
            let quiet = try await site.connect()
            other.withLock { $0 = quiet }
            let greedy = try await site.connect()
            let all = get("/first") + String(repeating: get("/count"), count: 400)
            try await greedy.send(all)
            for _ in 0...400 { #expect(try await greedy.reply().status == 200) }
            #expect(try await quiet.reply().status == 200)
            #expect(0...32 ~= seen.countThen.load(ordering: .relaxed))
            quiet.close()
            greedy.close()
        }
    }

    @Test func `however many connect, who is connected is served`() async throws {
        let server = Mutex<Server?>(nil)
        let routes = [
            route(.get, "/block") { [seen] _ in
                seen.block()
                return Response(status: 200)
            },
            route(.get, "/") { [seen] _ in
                let count = server.withLock { $0?.connectionCount } ?? 0
                seen.count.store(count, ordering: .relaxed)
                return Response(status: 200)
            },
        ]
        try await ServerScope(routes).run(on: unixSocket) { [self] site in
            server.withLock { $0 = site.server }
            try await elsewhere { [seen] loop in
                func connect() async throws -> Client {
                    Client(try await StreamSocket.connect(to: site.address, on: loop))
                }
                let quiet = try await connect()
                try await quiet.send(get("/"))
                #expect(try await quiet.reply().status == 200)
                let blocking = try await connect()
                try await blocking.send(get("/block"))
                try await untilBlocked(loop)
                var crowd: [Client] = []
                for _ in 0..<200 { crowd.append(try await connect()) }
                try await quiet.send(get("/"))
                seen.mayGoOn.store(true, ordering: .sequentiallyConsistent)
                #expect(try await quiet.reply().status == 200)
                #expect(seen.count.load(ordering: .relaxed) < 100)
                for client in crowd + [quiet, blocking] { client.close() }
            }
        }
    }

    @Test func `nothing is done for a peer that left before it was heard`() async throws {
        let routes = [
            route(.get, "/block") { [seen] _ in
                seen.block()
                return Response(status: 200)
            },
            route(.get, "/work") { [seen] request in
                let isCancelled = request.cancellation.isCancelled
                seen.countThen.store(isCancelled ? 1 : 0, ordering: .relaxed)
                return Response(status: 200)
            },
        ]
        try await ServerScope(routes).run { [self] site in
            try await elsewhere { loop in
                func connect() async throws -> Client {
                    Client(try await StreamSocket.connect(to: site.address, on: loop))
                }
                let blocking = try await connect()
                try await blocking.send(get("/block"))
                try await untilBlocked(loop)
                let gone = try await connect()
                try await gone.send(get("/work"))
                gone.close()
                seen.mayGoOn.store(true, ordering: .sequentiallyConsistent)
                #expect(try await blocking.reply().status == 200)
                #expect(
                    try await eventually(on: loop) {
                        seen.countThen.load(ordering: .relaxed) == 1
                    }
                )
                blocking.close()
            }
        }
    }

    @Test func `who is turned away takes no place`() async throws {
        var limits = ServerLimits()
        limits.connectionsMax = 1
        limits.lingerTimeout = .seconds(30)
        let root = route(.get, "/") { _ in Response(status: 200) }
        try await ServerScope([root], limits: limits).run { site in
            let first = try await site.connect()
            try await first.send(get("/"))
            #expect(try await first.reply().status == 200)
            let refused = try await site.connect()
            #expect(try await refused.reply().status == 503)
            first.close()
            #expect(try await eventually(on: site.loop) { site.server.connectionCount == 1 })
            #expect(try await site.ask(get("/")).status == 200)
            refused.close()
        }
    }

    /// The end of what it sends comes with its requests, before any of them is answered.
    @Test func `who asks for no more, or for more, may half-close`() async throws {
        let routes = ["/a", "/b"].map { path in
            route(.get, path) { request in
                let isCancelled = request.cancellation.isCancelled
                return Response(status: 200, contentType: "text/plain", "\(path) \(isCancelled)")
            }
        }
        try await ServerScope(routes).run(on: unixSocket) { site in
            let client = try await site.connect()
            try await client.send(
                get("/a") + "GET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            client.shutdownWrite()
            #expect(try await client.reply().text == "/a false")
            #expect(try await client.reply().text == "/b false")
        }
    }

    private static let patient: ServerLimits = {
        var limits = ServerLimits()
        limits.lingerTimeout = .seconds(30)
        return limits
    }()
    private static let post =
        Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n".utf8)
        + [UInt8](repeating: 1, count: 300_000)

    @Test func `who sends on while it drains has its answer whole`() async throws {
        let server = Mutex<Server?>(nil)
        let body = [UInt8](repeating: 7, count: 10_000)
        let last = route(.get, "/last") { _ in
            server.withLock { $0 }?.beginDrain()
            return Response(status: 200, body: .bytes(body))
        }
        try await ServerScope([last], limits: Self.patient).run { site in
            server.withLock { $0 = site.server }
            let client = try await site.connect()
            try await client.send(Array(get("/last").utf8) + Self.post)
            let reply = try await client.reply()
            #expect(reply.header("Connection") == "close")
            #expect(reply.body == body)
            #expect(try await client.rest() == [])
            client.close()
        }
    }

    @Test func `who has asked again before it drains has its answer whole`() async throws {
        let body = [UInt8](repeating: 7, count: 20_000_000)
        let long = route(.get, "/long") { [seen] _ in
            seen.count.add(1, ordering: .relaxed)
            return Response(status: 200, body: .bytes(body))
        }
        try await ServerScope([long], limits: Self.patient).run { [seen] site in
            let client = try await site.connect()
            try await client.send(get("/long"))
            try #require(
                try await eventually(on: site.loop) { seen.count.load(ordering: .relaxed) == 1 }
            )
            try await client.send(Self.post)
            site.server.beginDrain()
            #expect(try await client.reply().body == body)
            #expect(try await client.rest() == [])
            client.close()
        }
    }

    @Test func `an answer is final, whatever its status`() async throws {
        let early = route(.get, "/early") { _ in
            Response(status: 103, contentType: "text/plain", "early")
        }
        let root = route(.get, "/") { _ in Response(status: 200, contentType: "text/plain", "next")
        }
        try await ServerScope([early, root]).run { site in
            let client = try await site.connect()
            try await client.send(get("/early") + get("/"))
            #expect(try await client.reply().text == "early")
            #expect(try await client.reply().text == "next")
            client.close()
        }
    }
}
