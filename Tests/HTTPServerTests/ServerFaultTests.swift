// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Synchronization
import Telemetry
import Testing

@testable import HTTPServer

private let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

/// What happened inside a route, seen from the test.
private final class Witness: Sendable {
    let started = Atomic<Int>(0)
    let cancelled = Atomic<Int>(0)
    let finished = Atomic<Int>(0)

    /// Waits until so much time has passed or the peer has left.
    func wait(_ request: Request, nanoseconds: UInt64 = 300_000_000) async -> Response {
        started.add(1, ordering: .relaxed)
        await withCheckedContinuation { continuation in
            let loop = EventLoop.current
            let timer = loop?.schedule(at: uptime() + nanoseconds) { continuation.resume() }
            request.cancellation.onCancel {
                self.cancelled.add(1, ordering: .relaxed)
                timer?.cancel()
                continuation.resume()
            }
        }
        finished.add(1, ordering: .relaxed)
        return Response(status: 200, contentType: "text/plain", "late")
    }
}

private let routes: [Route] = [
    route(.get, "/") { _ in Response(status: 200, contentType: "text/plain", "hello") },
    route(.post, "/echo", bodyBytesMax: 1_000) { Response(status: 200, body: .bytes($0.body)) },
    route(.get, "/endless") { _ in
        Response(
            status: 200,
            body: .stream(length: nil) { writer in
                while true { try await writer.write([UInt8](repeating: 0, count: 100_000)) }
            }
        )
    },
]

/// Tells a request's trace, as the product's own middleware does.
private struct Ids: Middleware {
    var name: StaticString { "ids" }

    func after(_ request: Request, _ response: inout Response) {
        response.headers.append("Trace-Id", request.trace.context.traceIDText)
    }
}

private func short(_ change: (inout ServerLimits) -> Void) -> ServerLimits {
    var limits = ServerLimits()
    limits.lingerTimeout = .milliseconds(200)
    change(&limits)
    return limits
}

struct ServerFaultTests {
    @Test(arguments: [
        ("GET /\r\n\r\n", 400), ("GET / HTTP/1.1\n\n", 400), ("GET / HTTP/2.0\r\n\r\n", 505),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n", 413),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501),
        (
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "400\r\n", 413
        ),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx", 400),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417),
    ])
    func `what is no request is told so, and the connection ends`(
        bytes: String,
        status: Int
    ) async throws {
        try await ServerScope(routes, limits: short { _ in }).run { site in
            let client = try await site.connect()
            try await client.send(bytes)
            let reply = try await client.reply()
            #expect(reply.status == status)
            #expect(reply.header("Connection") == "close")
            #expect(reply.text.hasPrefix(#"{"code":""#))
            #expect(try await client.rest() == [])
        }
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n",
    ])
    func `what is no request has ids, and a record with them and with its sender`(
        bytes: String
    ) async throws {
        var configuration = TelemetryConfiguration()
        configuration.log.ringRecordsMax = 100
        let telemetry = Telemetry(configuration)
        let scope = try ServerScope(
            routes,
            middleware: [Ids()],
            limits: short { $0.headerReadTimeout = .milliseconds(150) },
            telemetry: telemetry
        )
        try await scope.run { site in
            let client = try await site.connect()
            try await client.send(bytes)
            let reply = try await client.reply()
            let id = try #require(reply.header("Trace-Id"))
            #expect(reply.text.contains(#""request_id":"\#(id)","trace_id":"\#(id)"}"#))
            func record() -> LogEntry? {
                telemetry.logs.ring.snapshot.first { $0.traceID == id }
            }
            #expect(try await eventually(on: site.loop) { record() != nil })
            let record = try #require(record())
            #expect(record.level == .info)
            let line = String(decoding: record.line, as: UTF8.self)
            for member in [
                #""event":"http.parse_error""#, #""client.address":"127.0.0.1""#,
                #""http.response.status_code":\#(reply.status)"#,
            ] {
                #expect(line.contains(member))
            }
            client.close()
        }
    }

    @Test func `a peer that keeps sending still reads its refusal`() async throws {
        try await ServerScope(routes, limits: short { _ in }).run { site in
            let client = try await site.connect()
            let head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
            try await client.send(head)
            try await client.send([UInt8](repeating: 1, count: 1_000_000))
            #expect(try await client.reply().status == 413)
        }
    }

    @Test func `a refusal does not hurt what was asked before it`() async throws {
        try await ServerScope(routes, limits: short { _ in }).run { site in
            let client = try await site.connect()
            try await client.send("\(get)\(get)BAD\r\n\r\n\(get)")
            #expect(try await client.reply().status == 200)
            #expect(try await client.reply().status == 200)
            #expect(try await client.reply().status == 400)
            #expect(try await client.rest() == [])
        }
    }

    @Test func `a head that trickles is cut off at its deadline`() async throws {
        let limits = short { $0.headerReadTimeout = .milliseconds(150) }
        try await ServerScope(routes, limits: limits).run { site in
            let client = try await site.connect()
            // It does not stop by itself: were it not cut off, it would be too large in the end.
            let trickle = Task(executorPreference: site.loop) {
                try await client.send("GET / HTTP/1.1\r\nA: ")
                while true {
                    try await client.send("\(String(repeating: "b", count: 100))")
                    try await site.loop.sleep(nanoseconds: 20_000_000)
                }
            }
            #expect(try await client.reply().status == 408)
            trickle.cancel()
            client.close()
            _ = await trickle.result
        }
    }

    @Test func `a body that does not come is not waited for`() async throws {
        let limits = short { $0.bodyReadTimeout = .milliseconds(100) }
        try await ServerScope(routes, limits: limits).run { site in
            let client = try await site.connect()
            try await client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
            #expect(try await client.reply().status == 408)
        }
    }

    @Test func `an idle connection is closed without a word`() async throws {
        let limits = short { $0.idleTimeout = .milliseconds(100) }
        try await ServerScope(routes, limits: limits).run { site in
            let fresh = try await site.connect()
            #expect(try await fresh.rest() == [])
            let used = try await site.connect()
            try await used.send(get)
            _ = try await used.reply()
            #expect(try await used.rest() == [])
        }
    }

    @Test func `a peer that does not read is dropped`() async throws {
        let limits = short { $0.writeTimeout = .milliseconds(150) }
        try await ServerScope(routes, limits: limits).run { site in
            let client = try await site.connect()
            try await client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
            let deadline = uptime() + 5_000_000_000
            while site.server.connectionCount > 0, uptime() < deadline {
                try await site.loop.sleep(nanoseconds: 20_000_000)
            }
            #expect(site.server.connectionCount == 0)
        }
    }

    @Test func `whoever comes on top of the maximum is turned away`() async throws {
        let limits = short { $0.connectionsMax = 2 }
        try await ServerScope(routes, limits: limits).run { site in
            var clients: [Client] = []
            for _ in 0..<2 {
                let client = try await site.connect()
                try await client.send(get)
                #expect(try await client.reply().status == 200)
                clients.append(client)
            }
            let third = try await site.connect()
            try await third.send(get)
            let reply = try await third.reply()
            #expect(reply.status == 503)
            #expect(reply.header("Retry-After") != nil)
            #expect(reply.text.contains(#""trace_id":""#))
            third.close()
            clients[0].close()
            #expect(try await eventually(on: site.loop) { site.server.connectionCount < 2 })
            #expect(try await site.ask(get).status == 200)
            clients[1].close()
        }
    }

    @Test func `whoever is turned away without a word is counted like those with one`() async throws
    {
        let limits = short { $0.connectionsMax = 1 }
        let scope = try ServerScope(routes, limits: limits)
        try await scope.run { site in
            var clients: [Client] = []
            for number in 0..<100 {
                let client = try await site.connect()
                clients.append(client)
                guard number == 0 else { continue }
                try await client.send(get)
                #expect(try await client.reply().status == 200)
            }
            #expect(
                try await eventually(on: site.loop) { scope.hasClosed(99, "limit") }
            )
            for client in clients { client.close() }
        }
    }

    @Test func `a connection that a drain ends is no client that left`() async throws {
        let hello = route(.get, "/") { _ in Response(status: 200, contentType: "text/plain", "") }
        let scope = try ServerScope([hello])
        try await scope.run { site in
            site.server.announceDrain()
            let client = try await site.connect()
            try await client.send(get)
            #expect(try await client.reply().header("Connection") == "close")
            client.close()
            #expect(
                try await eventually(on: site.loop) { scope.hasClosed(1, "shutdown") }
            )
        }
    }

    @Test func `work stops when the peer leaves`() async throws {
        let witness = Witness()
        let slow = route(.get, "/slow") { await witness.wait($0, nanoseconds: 30_000_000_000) }
        try await ServerScope([slow]).run { site in
            let client = try await site.connect()
            try await client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(
                try await eventually(on: site.loop) {
                    witness.started.load(ordering: .relaxed) == 1
                }
            )
            client.close()
            #expect(
                try await eventually(on: site.loop) {
                    witness.cancelled.load(ordering: .relaxed) == 1
                        && site.server.connectionCount == 0
                }
            )
        }
    }

    @Test func `a peer that says goodbye with its request still has its answer`() async throws {
        let witness = Witness()
        let slow = route(.get, "/slow") { await witness.wait($0) }
        try await ServerScope([slow]).run { site in
            let client = try await site.connect()
            try await client.send("GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            client.shutdownWrite()
            // Both may arrive at once or not; the answer comes either way.
            #expect(try await client.reply().text == "late")
        }
    }

    @Test func `a drain lets requests finish and closes what is idle`() async throws {
        let witness = Witness()
        let slow = route(.get, "/slow") { await witness.wait($0) }
        try await ServerScope(routes + [slow]).run { site in
            let idle = try await site.connect()
            try await idle.send(get)
            _ = try await idle.reply()
            let busy = try await site.connect()
            try await busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(
                try await eventually(on: site.loop) {
                    witness.started.load(ordering: .relaxed) == 1
                }
            )
            site.server.beginDrain()
            #expect(try await idle.rest() == [])
            let reply = try await busy.reply()
            #expect(reply.text == "late")
            #expect(reply.header("Connection") == "close")
            #expect(witness.cancelled.load(ordering: .relaxed) == 0)
            await #expect(throws: SocketError.self) {
                _ = try await site.connect()
            }
        }
    }

    @Test func `a drain's deadline cuts off what takes longer`() async throws {
        let witness = Witness()
        let slow = route(.get, "/slow") { await witness.wait($0, nanoseconds: 30_000_000_000) }
        try await ServerScope([slow]).run { site in
            let client = try await site.connect()
            try await client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(
                try await eventually(on: site.loop) {
                    witness.started.load(ordering: .relaxed) == 1
                }
            )
            await site.server.finishDrain(within: .milliseconds(20))
            #expect(
                try await eventually(on: site.loop) {
                    witness.cancelled.load(ordering: .relaxed) == 1
                        && site.server.connectionCount == 0
                }
            )
        }
    }

    @Test func `a thousand idle connections are served like one`() async throws {
        try await ServerScope(routes).run { site in
            var clients: [Client] = []
            for _ in 0..<400 {
                let client = try await site.connect()
                try await client.send(get)
                clients.append(client)
            }
            for client in clients { #expect(try await client.reply().status == 200) }
            for client in clients { try await client.send(get) }
            for client in clients { #expect(try await client.reply().status == 200) }
            for client in clients { client.close() }
        }
    }

    @Test func `each request is counted once, however it ends`() async throws {
        let witness = Witness()
        let slow = route(.get, "/slow") { await witness.wait($0) }
        let scope = try ServerScope(routes + [slow], limits: short { _ in })
        try await scope.run { site in
            _ = try await site.ask(get)
            _ = try await site.ask("GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
            let tooLong = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"
            _ = try await site.ask(tooLong)
            for request in ["GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", String(tooLong.dropLast(2))] {
                let client = try await site.connect()
                try await client.send(request)
                try await site.loop.sleep(nanoseconds: 50_000_000)
                client.close()
            }
            try await site.loop.sleep(nanoseconds: 100_000_000)
        }
        let lines = String(decoding: scope.telemetry.exposition(as: .text), as: UTF8.self)
            .split(separator: "\n")
        func sum(_ family: String) -> Double {
            lines.filter { $0.hasPrefix("\(family){") }
                .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
                .reduce(0, +)
        }
        #expect(sum("http_server_active_requests") == 0)
        // The fifth was no request yet: its head never ended.
        #expect(sum("lucarne_trace_context_total") == 4)
        #expect(sum("lucarne_http_connections") == 0)
        #expect(sum("lucarne_http_connections_accepted_total") == 5)
        #expect(sum("lucarne_http_connections_closed_total") == 5)
    }
}
