// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Synchronization
import Telemetry

@testable import HTTPServer

/// A server on loopback, on loops of its own, for the length of a test.
struct ServerScope {
    let group: EventLoopGroup
    let server: Server
    let telemetry: Telemetry

    init(
        _ routes: [Route],
        middleware: [any Middleware] = [],
        loops: Int = 1,
        limits: ServerLimits = ServerLimits(),
        telemetry: Telemetry = Telemetry(),
        listener: Listener = .public
    ) throws {
        group = try EventLoopGroup(count: loops)
        self.telemetry = telemetry
        let pipeline = Pipeline(router: Router(routes), middleware: middleware)
        server = Server(pipeline, limits: limits, telemetry: telemetry, listener: listener)
    }

    /// Serves while `body` runs, on the first loop; drains afterwards.
    func run<Value: Sendable>(
        on address: SocketAddress = .tcp(host: "127.0.0.1", port: 0),
        _ body: @escaping @Sendable (Site) async throws -> Value
    ) async throws -> Value {
        group.start(includingFirst: true) { Shard.bind(index: $0) }
        defer { group.stop() }
        let (listening, continuation) = AsyncStream.makeStream(of: SocketAddress.self)
        let serving = Task { [server, group] in
            try await server.serve(on: [address], group: group) { addresses in
                for address in addresses { continuation.yield(address) }
            }
        }
        var iterator = listening.makeAsyncIterator()
        guard let bound = await iterator.next() else { throw SocketError.closed }
        let site = Site(address: bound, loop: group.loops[0], server: server)
        let value = try await Task(executorPreference: site.loop) { try await body(site) }.value
        await server.finishDrain(within: .milliseconds(500))
        try await serving.value
        return value
    }
}

/// Where the server is, for clients.
struct Site: Sendable {
    let address: SocketAddress
    let loop: EventLoop
    let server: Server

    func connect() async throws -> Client {
        Client(try await StreamSocket.connect(to: address, on: loop))
    }

    /// One request on a connection of its own.
    func ask(_ request: String) async throws -> Reply {
        let client = try await connect()
        try await client.send(request)
        let reply = try await client.reply()
        client.close()
        return reply
    }
}

/// Looks again until it is so; false when it was not in ten seconds of pauses, which a machine that
/// stands still for a while takes nothing of.
func eventually(on loop: EventLoop, _ isSo: () -> Bool) async throws -> Bool {
    for _ in 0..<2_000 {
        if isSo() { return true }
        try await loop.sleep(nanoseconds: 5_000_000)
    }
    return false
}

struct Reply: Sendable {
    var status: Int
    var head: String
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    func header(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == name.lowercased() else { continue }
            return String(parts[1].drop { $0 == " " })
        }
        return nil
    }
}

/// A plain client that shows what is on the wire.
final class Client: @unchecked Sendable {
    struct ConnectionClosed: Error {}

    private let socket: StreamSocket
    private var buffer: [UInt8] = []
    var patience: UInt64 = 10_000_000_000
    /// Before each read, in nanoseconds.
    var pause: UInt64 = 0

    init(_ socket: StreamSocket) { self.socket = socket }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await socket.write(bytes, deadline: uptime() + patience)
    }

    func close() { socket.close() }
    func shutdownWrite() { socket.shutdownWrite() }

    /// The next response, its body taken apart.
    func reply(toHead: Bool = false) async throws -> Reply {
        var end = headEnd()
        while end == nil {
            try await readMore()
            end = headEnd()
        }
        let head = String(decoding: buffer[..<(end ?? 0)], as: UTF8.self)
        buffer.removeFirst((end ?? 0) + 4)
        let status = Int(head.split(separator: " ")[1]) ?? 0
        var reply = Reply(status: status, head: head, body: [])
        if toHead || status < 200 || status == 204 || status == 304 { return reply }
        if reply.header("Transfer-Encoding") == "chunked" {
            reply.body = try await chunks()
        } else if let length = reply.header("Content-Length").flatMap(Int.init) {
            while buffer.count < length { try await readMore() }
            reply.body = Array(buffer.prefix(length))
            buffer.removeFirst(length)
        } else {
            reply.body = try await rest()
        }
        return reply
    }

    /// Everything up to the end of the connection.
    func rest() async throws -> [UInt8] {
        do {
            while true { try await readMore() }
        } catch is ConnectionClosed {
            let all = buffer
            buffer = []
            return all
        }
    }

    private func chunks() async throws -> [UInt8] {
        var decoder = ChunkedDecoder(bodyBytesMax: .max)
        var body: [UInt8] = []
        while true {
            let bytes = buffer
            let used = try decoder.decode(bytes.span, into: &body)
            buffer.removeFirst(used)
            if decoder.isDone { return body }
            try await readMore()
        }
    }

    private func headEnd() -> Int? {
        guard buffer.count >= 4 else { return nil }
        return (0...buffer.count - 4).first {
            buffer[$0] == 13 && buffer[$0 + 1] == 10 && buffer[$0 + 2] == 13
                && buffer[$0 + 3] == 10
        }
    }

    private func readMore() async throws {
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
        defer { unsafe room.deallocate() }
        if pause > 0 { try await EventLoop.current?.sleep(nanoseconds: pause) }
        let count = try await unsafe socket.read(into: room, deadline: uptime() + patience)
        guard count > 0 else { throw ConnectionClosed() }
        unsafe buffer.append(contentsOf: room.prefix(count))
    }
}

private let registry = MetricRegistry()

func route(
    _ method: Method?,
    _ template: String,
    bodyBytesMax: Int = 1 << 20,
    respond: @escaping Route.Respond
) -> Route {
    Route(
        method,
        template,
        bodyBytesMax: bodyBytesMax,
        telemetry: RouteTelemetry(template: template, registry: registry),
        respond: respond
    )
}

extension ServerScope {
    /// Whether so many connections to the public listener were closed for that reason.
    func hasClosed(_ count: Int, _ reason: String) -> Bool {
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        let labels = #"{listener="public",reason="\#(reason)"}"#
        return text.contains("lucarne_http_connections_closed_total\(labels) \(count)\n")
    }
}
