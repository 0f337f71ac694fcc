// SPDX-License-Identifier: Apache-2.0
import EventLoop
import JSONCoding
import Synchronization
import Telemetry
import Testing

@testable import HTTPServer
@testable import Operations

/// The log, looked at through the operations' routes.
private struct House: Sendable {
    let telemetry: Telemetry
    let router: Router

    init(ringRecordsMax: Int = 2_048) {
        var configuration = TelemetryConfiguration()
        configuration.log.ringRecordsMax = ringRecordsMax
        configuration.log.level = .trace
        telemetry = Telemetry(configuration)
        router = Router(Operations(telemetry: telemetry).routes)
    }

    func answer(
        _ method: HTTPServer.Method,
        _ target: String,
        headers: HeaderFields = [:],
        body: String = ""
    ) async -> Response {
        await answer(Request(method, target, headers: headers, body: Array(body.utf8)))
    }

    func answer(_ request: Request) async -> Response {
        var request = request
        guard
            case .found(let route, let parameters) = router.match(
                request.method,
                path: request.pathBytes
            )
        else { return Response(status: 404) }
        request.pathParameters = parameters
        return await route.respond(request)
    }

    func follow(_ filter: String, after last: String? = nil) async throws -> [Substring] {
        let target = "/debug/logs/tail?q=\(filter)"
        let headers: HeaderFields = last.map { ["Last-Event-ID": $0] } ?? [:]
        let response = await answer(.get, target, headers: headers)
        return String(decoding: try await response.collectedBody(), as: UTF8.self)
            .split(separator: "\n")
    }

    /// One record of each `level` and `module`, in turn, with its number.
    func write(_ range: Range<Int>) {
        let levels: [LogLevel] = [.debug, .info, .warning, .error]
        let modules: [LogModule] = [.http, .sql, .pool]
        for number in range {
            telemetry.logs.write(levels[number % 4], modules[number % 3], "made") { record in
                record.field("number", number)
            }
        }
    }

    func until(_ condition: () -> Bool) async throws {
        for _ in 0..<3_000 where !condition() { try await Task.sleep(for: .milliseconds(5)) }
        try #require(condition())
    }
}

private func numbers(_ lines: [Substring]) throws -> [Int] {
    try lines.filter { $0.hasPrefix("data: ") }.compactMap { line in
        try JSONValue(parsing: Array(line.dropFirst(6).utf8))["number"]?.int
    }
}

/// Takes so much and then no more, until it is let go.
private actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func pass() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }

    func open() {
        isOpen = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}

private final class StallingSink: BodySink {
    private let gate: Gate
    private var written = 0
    private(set) var bytes: [UInt8] = []

    init(_ gate: Gate) { self.gate = gate }

    func write(_ bytes: [UInt8]) async throws {
        written += 1
        if written > 1 { await gate.pass() }
        self.bytes += bytes
    }
}

/// Whose reader leaves with the first record, which is made once it reads.
private final class LeavingSink: BodySink {
    private let house: House
    private let cancellation: Cancellation
    private(set) var writes = 0

    init(_ house: House, _ cancellation: Cancellation) {
        self.house = house
        self.cancellation = cancellation
    }

    func write(_ bytes: [UInt8]) async throws {
        writes += 1
        if writes == 1 { house.write(0..<1) } else { cancellation.cancel() }
    }
}

private final class Order: Sendable {
    let names = Mutex<[String]>([])
}

struct LogTailTests {
    @Test func `three readers get exactly what they asked for`() async throws {
        let house = House()
        async let warnings = house.follow("level>=warning")
        async let statements = house.follow("logger=sql")
        async let some = house.follow(
            "number>=19000%20and%20not%20(level=debug%20or%20logger=pool)"
        )
        try await house.until { house.telemetry.logs.ring.subscriberCount == 3 }
        let count = 20_000
        for start in stride(from: 0, to: count, by: 1_000) {
            house.write(start..<start + 1_000)
            // The sink's own queue is bounded too: here nothing is to be lost on the way.
            try await house.until {
                house.telemetry.logs.ledgers.allSatisfy { $0.queued == 0 }
            }
        }
        house.telemetry.health.learn(.stopRequested)
        let all = 0..<count
        #expect(try await numbers(warnings) == all.filter { $0 % 4 >= 2 })
        #expect(try await numbers(statements) == all.filter { $0 % 3 == 1 })
        let rest = all.filter { $0 >= 19_000 && $0 % 4 != 0 && $0 % 3 != 2 }
        #expect(try await numbers(some) == rest)
        let ends = try await [warnings, statements, some].map { $0.contains("event: end") }
        #expect(ends == [true, true, true])
        try await house.until { house.telemetry.logs.ring.subscriberCount == 0 }
    }

    @Test func `a reader that stalls is told how much it lost`() async throws {
        let house = House()
        let response = await house.answer(.get, "/debug/logs/tail?q=level=error")
        guard case .stream(_, let produce) = response.body else {
            Issue.record("no stream")
            return
        }
        let gate = Gate()
        let reading = Task {
            let sink = StallingSink(gate)
            try await produce(BodyWriter(sink))
            return String(decoding: sink.bytes, as: UTF8.self).split(separator: "\n")
        }
        try await house.until { house.telemetry.logs.ring.subscriberCount == 1 }
        let count = 48_000
        for start in stride(from: 0, to: count, by: 4_000) {
            house.write(start..<start + 4_000)
            try await house.until {
                house.telemetry.logs.ledgers.allSatisfy { $0.queued == 0 }
            }
        }
        await gate.open()
        house.telemetry.health.learn(.stopRequested)
        let lines = try await reading.value
        let told = try lines.indices.filter { lines[$0] == "event: dropped" }.map { index in
            try #require(
                JSONValue(parsing: Array(lines[index + 1].dropFirst(6).utf8))["records"]?.int
            )
        }
        #expect(!told.isEmpty)
        #expect(try numbers(lines).count + told.reduce(0, +) == count / 4)
    }

    /// Records are numbered as they are made; of thirty, the ring has the last twenty.
    @Test(arguments: [
        ("19", [20, 23, 26, 29], nil), ("29", [], nil), ("12", [14, 17, 20, 23, 26, 29], nil),
        ("4", [11, 14, 17, 20, 23, 26, 29], 5), ("30", [], nil), ("-1", [], nil), ("x", [], nil),
    ])
    func `a reader that comes back gets what it has missed`(
        _ last: String,
        _ missed: [Int],
        _ dropped: Int?
    ) async throws {
        let house = House(ringRecordsMax: 20)
        house.write(0..<30)
        try await house.until { house.telemetry.logs.ring.snapshot.last?.sequence == 29 }
        async let reading = house.follow("logger=pool", after: last)
        try await house.until { house.telemetry.logs.ring.subscriberCount == 1 }
        house.write(30..<36)
        try await house.until { house.telemetry.logs.ring.snapshot.last?.sequence == 35 }
        house.telemetry.health.learn(.stopRequested)
        let lines = try await reading
        #expect(try numbers(lines) == missed + [32, 35])
        let gone = dropped.map { "data: {\"records\":\($0)}" }
        #expect(lines.first { $0.contains("\"records\"") }.map { String($0) } == gone)
    }

    @Test func `a reader that has left makes room at once`() async throws {
        let house = House()
        let request = Request(.get, "/debug/logs/tail")
        let response = await house.answer(request)
        guard case .stream(_, let produce) = response.body else {
            Issue.record("no stream")
            return
        }
        let sink = LeavingSink(house, request.cancellation)
        try await produce(BodyWriter(sink))
        #expect(sink.writes == 2, "it gets no sign of life any more")
        #expect(house.telemetry.logs.ring.subscriberCount == 0)
    }

    @Test func `readers are not without number`() async throws {
        let house = House()
        let readers = (0..<8).map { _ in Task { try await house.follow("") } }
        try await house.until { house.telemetry.logs.ring.subscriberCount == 8 }
        #expect(await house.answer(.get, "/debug/logs/tail").status == 503)
        house.telemetry.health.learn(.stopRequested)
        for reader in readers { _ = try await reader.value }
    }

    @Test func `readers that come at once are no more than one after the other`() async throws {
        let house = House()
        try await withThrowingTaskGroup(of: Response.self) { tasks in
            for _ in 0..<64 { tasks.addTask { await house.answer(.get, "/debug/logs/tail") } }
            var responses: [Response] = []
            for try await response in tasks { responses.append(response) }
            #expect(responses.filter { $0.status == 200 }.count == 8)
            #expect(responses.filter { $0.status == 503 }.count == 56)
        }
        #expect(house.telemetry.logs.ring.subscriberCount == 0, "nobody reads these answers")
    }

    /// Whoever comes second is served first: on the loop itself, it would have had to wait.
    @Test func `a search through many records keeps no request waiting`() async throws {
        let house = House(ringRecordsMax: 40_000)
        for start in stride(from: 0, to: 40_000, by: 2_000) {
            house.write(start..<start + 2_000)
            try await house.until { house.telemetry.logs.ledgers.allSatisfy { $0.queued == 0 } }
        }
        let group = try EventLoopGroup(count: 1)
        group.start(includingFirst: true) { Shard.bind(index: $0) }
        defer { group.stop() }
        let order = Order()
        let loop = group.loops[0]
        let slow = (0..<32).map { _ in "m~z" }.joined(separator: "%20or%20")
        let search = Task(executorPreference: loop) {
            let response = await house.answer(.get, "/debug/logs?q=\(slow)")
            order.names.withLock { $0.append("search") }
            return response.status
        }
        let request = Task(executorPreference: loop) {
            let response = await house.answer(.get, "/livez")
            order.names.withLock { $0.append("request") }
            return response.status
        }
        #expect(await request.value == 200)
        #expect(await search.value == 200)
        #expect(order.names.withLock { $0 } == ["request", "search"])
    }

    @Test func `the latest records are listed as far as they match`() async throws {
        let house = House()
        house.write(0..<24)
        try await house.until { house.telemetry.logs.ring.snapshot.count == 24 }
        let body = try await house.answer(.get, "/debug/logs?q=logger=sql&limit=3").collectedBody()
        let records = try JSONValue(parsing: body)["records"]?.array ?? []
        #expect(records.map { $0["number"]?.int } == [16, 19, 22])
        #expect(await house.answer(.get, "/debug/logs?q=level=loud").status == 400)
        #expect(await house.answer(.get, "/debug/logs/tail?q=(").status == 400)
        #expect(await house.answer(.get, "/debug/traces?q=(").status == 400)
    }
}

struct LogScopeTests {
    @Test(arguments: [
        (#"{"route":"/x","seconds":60}"#, nil), (#"{"user":"anna","seconds":1}"#, nil),
        (#"{"trace":"4BF92F3577B34DA6A3CE929D0E0E4736","seconds":86400}"#, nil),
        (#"{"route":"/x"}"#, "seconds must be"), (#"{"seconds":60}"#, "one of route, user"),
        (#"{"route":"/x","seconds":-1}"#, "from 0 to 86400"),
        (#"{"route":"/x","user":"anna","seconds":60}"#, "one of route, user and trace is meant"),
        (#"{"moon":"x","seconds":60}"#, "moon is neither route, user, trace nor seconds"),
        (#"{"route":"","seconds":60}"#, "/x"), (#"{"route":"/nope","seconds":60}"#, "/x"),
        (#"{"route":"/livez","seconds":60}"#, "/x"), (#"{"route":1,"seconds":60}"#, "a text"),
        (#"{"user":"","seconds":60}"#, "a user's id"), (#"{"trace":"zz","seconds":60}"#, "32 hex"),
        (#"{"trace":"00000000000000000000000000000000","seconds":60}"#, "32 hex"),
        ("[]", "JSON object"), ("{", "JSON object"),
    ])
    func `a scope is opened by those who say it clearly`(_ body: String, _ why: String?) async {
        let house = House()
        _ = RouteTelemetry(template: "/x", registry: house.telemetry.registry)
        let response = await house.answer(.post, "/debug/log-scope", body: body)
        #expect(response.status == (why == nil ? 200 : 400))
        let text = String(decoding: (try? await response.collectedBody()) ?? [], as: UTF8.self)
        #expect(text.contains(why ?? "seconds_left"), "\(text)")
        #expect(house.telemetry.scopes.current.count == (why == nil ? 1 : 0))
    }

    @Test func `a scope that is over says so, once`() async throws {
        let house = House()
        let body = #"{"user":"anna","seconds":1}"#
        #expect(await house.answer(.post, "/debug/log-scope", body: body).status == 200)
        let end = uptimeNanoseconds() + 1_000_000_000
        house.telemetry.tick()
        while uptimeNanoseconds() <= end { try await Task.sleep(for: .milliseconds(10)) }
        house.telemetry.tick()
        house.telemetry.tick()
        try await house.until { house.telemetry.logs.ledgers.allSatisfy { $0.queued == 0 } }
        let told = house.telemetry.logs.ring.snapshot.filter {
            $0.field("event")?.string == "log.scope"
        }
        #expect(told.map { $0.field("scope.value")?.string } == ["anna", "anna"])
        #expect(told.map { $0.field("log.seconds")?.int } == [1, 0])
    }

    @Test func `a trace that is asked for by its id is kept`() {
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 0
        configuration.callersMayKeep = false
        let telemetry = Telemetry(configuration)
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        let traces = (0..<3).map { _ in
            RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        }
        let subject = LogScope.Subject.trace(traces[1].context.traceIDText)
        #expect(telemetry.scopes.add(LogScope(subject, until: .max)))
        for trace in traces {
            trace.route = route
            telemetry.requestStarted(trace)
            telemetry.requestEnded(trace, RequestSummary(status: 200))
        }
        let kept = telemetry.traces.all.map(\.context.traceIDText)
        #expect(kept == [traces[1].context.traceIDText])
    }

    @Test func `a scope is ended by whoever gives it no seconds more`() async {
        let house = House()
        func post(_ user: String, _ seconds: Int) async -> Int {
            let body = #"{"user":"\#(user)","seconds":\#(seconds)}"#
            return await house.answer(.post, "/debug/log-scope", body: body).status
        }
        #expect(await post("anna", 600) == 200)
        #expect(await post("otto", 600) == 200)
        #expect(await post("anna", 0) == 200)
        #expect(house.telemetry.scopes.current.map(\.subject) == [.user("otto")])
        #expect(await post("nobody", 0) == 200)
    }

    @Test func `debug records are those of the scope, and end with it`() async throws {
        var configuration = TelemetryConfiguration()
        configuration.log.ringRecordsMax = 100
        configuration.keepOneTraceIn = 0
        let telemetry = Telemetry(configuration)
        let routes = ["/x", "/y"].map { template in
            RouteTelemetry(template: template, registry: telemetry.registry)
        }
        func layers() async throws -> Int {
            let before = telemetry.logs.ring.snapshot.last?.sequence
            for route in routes {
                let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
                trace.route = route
                telemetry.requestStarted(trace)
                trace.leave(to: trace.enter(.sql))
                telemetry.requestEnded(trace, RequestSummary(status: 200))
            }
            for _ in 0..<1_000 where !telemetry.logs.ledgers.allSatisfy({ $0.queued == 0 }) {
                try await Task.sleep(for: .milliseconds(5))
            }
            return telemetry.logs.ring.snapshot.filter {
                $0.level == .debug && (before == nil || $0.sequence > before ?? 0)
            }.count
        }
        #expect(try await layers() == 0)
        let soon = uptimeNanoseconds() + 1_000_000_000
        #expect(telemetry.scopes.add(LogScope(.route("/x"), until: soon)))
        #expect(try await layers() == 1)
        while uptimeNanoseconds() <= soon { try await Task.sleep(for: .milliseconds(10)) }
        #expect(try await layers() == 0)
        #expect(!telemetry.logs.isEnabled(.debug, .sql))
    }
}
