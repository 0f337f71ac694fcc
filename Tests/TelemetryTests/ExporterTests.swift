// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSONCoding
import Testing

@testable import Telemetry

private func answer(_ status: String, _ fields: String = "", _ body: String = "") -> String {
    "HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}

private func sent(
    to receiver: HTTPReceiver,
    attemptsMax: Int = 4,
    _ rules: ExportRules = .otlp
) throws -> ExportOutcome {
    var rules = rules
    rules.attemptsMax = attemptsMax
    rules.firstPause = 1_000_000
    var exporter = Exporter(try #require(receiver.endpoint), rules)
    return exporter.send(Array("{}".utf8), LogPatience())
}

struct ExporterTests {
    @Test(
        arguments: [
            (["200 OK"], .accepted(rejected: 0), 1),
            (["503 Busy", "429 Later", "502 Bad", "200 OK"], .accepted(rejected: 0), 4),
            (["504 Gone", "504 Gone", "504 Gone", "504 Gone"], .failed, 4),
            (["400 Bad", "200 OK"], .rejected, 1),
            (["500 Broken", "200 OK"], .rejected, 1),
            (["413 Large", "200 OK"], .rejectedTogether, 1),
            (["204 Taken"], .accepted(rejected: 0), 1),
        ] as [([String], ExportOutcome, Int)]
    )
    func `only what may succeed later is tried again`(
        _ statuses: [String],
        _ outcome: ExportOutcome,
        _ requests: Int
    ) throws {
        let receiver = try HTTPReceiver { number, _ in answer(statuses[number]) }
        defer { receiver.stop() }
        #expect(try sent(to: receiver) == outcome)
        #expect(receiver.requests.count == requests)
    }

    @Test(
        arguments: [
            (["500 empty ring", "503 Busy", "429 Later", "204 Taken"], .accepted(rejected: 0), 4),
            (["400 Bad", "204 Taken"], .rejectedTogether, 1),
            (["413 Large", "204 Taken"], .rejectedTogether, 1),
            (["260 Blocked", "204 Taken"], .rejected, 1),
        ] as [([String], ExportOutcome, Int)]
    )
    func `Loki is asked again after any 5xx, and 2xx is not always yes`(
        _ statuses: [String],
        _ outcome: ExportOutcome,
        _ requests: Int
    ) throws {
        let receiver = try HTTPReceiver { number, _ in answer(statuses[number]) }
        defer { receiver.stop() }
        #expect(try sent(to: receiver, .loki) == outcome)
        #expect(receiver.requests.count == requests)
    }

    @Test func `a receiver that is being restarted is asked until it is back`() throws {
        let receiver = try HTTPReceiver { number, _ in
            number < 12 ? answer("503 Busy") : HTTPReceiver.accepted
        }
        defer { receiver.stop() }
        var rules = ExportRules.otlp
        #expect(rules.elapsedMax == 300_000_000_000)
        rules.firstPause = 1_000_000
        rules.ownPauseMax = 1_000_000
        var exporter = Exporter(try #require(receiver.endpoint), rules)
        #expect(exporter.send([0x7B, 0x7D], LogPatience()) == .accepted(rejected: 0))
        #expect(receiver.requests.count == 13)
    }

    @Test func `a receiver that stays away is given up in time`() throws {
        let receiver = try HTTPReceiver { _, _ in answer("503 Busy") }
        defer { receiver.stop() }
        var rules = ExportRules.otlp
        rules.elapsedMax = 1
        var exporter = Exporter(try #require(receiver.endpoint), rules)
        #expect(exporter.send([0x7B, 0x7D], LogPatience()) == .failed)
        #expect(receiver.requests.count == 1)
    }

    @Test func `a receiver says how long to wait`() throws {
        let receiver = try HTTPReceiver { number, _ in
            number == 0 ? answer("503 Busy", "Retry-After: 1\r\n") : HTTPReceiver.accepted
        }
        defer { receiver.stop() }
        let started = uptimeNanoseconds()
        #expect(try sent(to: receiver) == .accepted(rejected: 0))
        #expect(uptimeNanoseconds() - started >= 1_000_000_000)
    }

    @Test func `the next document waits for what the one given up was told`() throws {
        let receiver = try HTTPReceiver { number, _ in
            number == 0 ? answer("429 Later", "Retry-After: 1\r\n") : HTTPReceiver.accepted
        }
        defer { receiver.stop() }
        var rules = ExportRules.otlp
        rules.elapsedMax = 100_000_000
        var exporter = Exporter(try #require(receiver.endpoint), rules)
        let started = uptimeNanoseconds()
        #expect(exporter.send([0x7B, 0x7D], LogPatience()) == .failed)
        #expect(exporter.send([0x7B, 0x7D], LogPatience()) == .accepted(rejected: 0))
        #expect(receiver.requests.count == 2)
        #expect(uptimeNanoseconds() - started >= 1_000_000_000)
    }

    @Test(arguments: [ExportRules.otlp, .loki])
    func `a receiver that asks for no pause gets ours`(_ rules: ExportRules) throws {
        let receiver = try HTTPReceiver { _, _ in answer("503 Busy", "Retry-After: 0\r\n") }
        defer { receiver.stop() }
        var rules = rules
        rules.firstPause = 50_000_000
        rules.attemptsMax = 4
        var exporter = Exporter(try #require(receiver.endpoint), rules)
        let started = uptimeNanoseconds()
        #expect(exporter.send([0x7B, 0x7D], LogPatience()) == .failed)
        #expect(receiver.requests.count == 4)
        // Half of 50, of 100 and of 200 ms at least.
        #expect(uptimeNanoseconds() - started >= 175_000_000)
    }

    @Test(
        arguments: ["rejectedSpans", "rejectedLogRecords", "rejectedDataPoints"],
        [
            (#""3""#, 3), ("3", 3), (#""-5""#, 0), ("-5", 0), ("\(Int.min)", 0),
            ("\(Int.max)", .max), ("1e30", 0), ("null", 0),
        ]
    )
    func `what was accepted in part is not sent again, and the rest is counted`(
        _ name: String,
        _ claim: (text: String, rejected: Int)
    ) throws {
        let receiver = try HTTPReceiver { _, _ in
            answer("200 OK", "", #"{"partialSuccess":{"\#(name)":\#(claim.text)}}"#)
        }
        defer { receiver.stop() }
        #expect(try sent(to: receiver) == .accepted(rejected: claim.rejected))
        #expect(receiver.requests.count == 1)
    }

    @Test(arguments: [(0, 5, 0), (3, 2, 3), (5, 0, 5), (.max, 0, 5)] as [(Int, Int, Int)])
    func `no more is rejected than was sent`(_ claimed: Int, _ taken: Int, _ rejected: Int) {
        let registry = MetricRegistry()
        let metrics = registry.shared(ExportMetrics.self)
        metrics.sent(.metrics, 5, .accepted(rejected: claimed))
        let text = render(registry, .text)
        for (result, count) in [("ok", taken), ("rejected", rejected)] {
            let name = #"lucarne_export_items_total{signal="metrics",result="\#(result)"} "#
            #expect(text.contains("\(name)\(count)\n"))
        }
    }

    @Test(
        arguments: [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        ]
    )
    func `answers come in all shapes, and the connection serves again`(_ text: String) throws {
        let receiver = try HTTPReceiver { _, _ in text }
        defer { receiver.stop() }
        var exporter = Exporter(try #require(receiver.endpoint))
        for _ in 0..<3 {
            #expect(exporter.send([0x7B, 0x7D], LogPatience()) == .accepted(rejected: 0))
        }
    }

    @Test(
        arguments: [
            nil, "nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n7fffffffffffffff\r\n",
        ] as [String?]
    )
    func `a receiver that makes no sense is given up`(_ text: String?) throws {
        let receiver = try HTTPReceiver { _, _ in text }
        defer { receiver.stop() }
        #expect(try sent(to: receiver, attemptsMax: 2) == .failed)
    }

    @Test func `nobody is waited for once the process ends`() throws {
        let receiver = try HTTPReceiver { _, _ in answer("503 Busy", "Retry-After: 600\r\n") }
        defer { receiver.stop() }
        var exporter = Exporter(try #require(receiver.endpoint))
        let patience = LogPatience()
        OwnThread.start {
            usleep(100_000)
            patience.end(at: uptimeNanoseconds())
        }
        let started = uptimeNanoseconds()
        #expect(exporter.send([0x7B, 0x7D], patience) == .failed)
        #expect(uptimeNanoseconds() - started < 20_000_000_000)
    }

    @Test(
        arguments: [
            ("http://localhost:4318", "localhost", "4318", ""),
            ("http://[::1]:3100/loki/", "::1", "3100", "/loki"),
            ("http://collector", "collector", "80", ""),
        ]
    )
    func `an endpoint is a URL`(
        _ url: String,
        _ host: String,
        _ port: String,
        _ path: String
    )
        throws
    {
        let endpoint = try #require(ExportEndpoint(url))
        #expect([endpoint.host, endpoint.port, endpoint.path] == [host, port, path])
    }

    @Test(
        arguments: [
            "https://collector", "collector:4318", "http://", "http://a:b", "http://a:70000",
            "http://a b/", "http://user@host", "http://a/\r\nX: y",
        ]
    )
    func `what is no plain endpoint is refused`(_ url: String) {
        #expect(ExportEndpoint(url) == nil)
    }
}

struct TraceExportTests {
    private static func telemetry(_ receiver: HTTPReceiver) throws -> Telemetry {
        var configuration = TelemetryConfiguration()
        configuration.traceEndpoint = receiver.endpoint
        configuration.keepOneTraceIn = 1
        configuration.hindsightPerSecondMax = .max
        configuration.baggageKeys = ["tenant"]
        return Telemetry(configuration)
    }

    private static func request(_ telemetry: Telemetry, _ route: RouteTelemetry, status: Int) {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
        let trace = RequestTrace(
            startedAt: uptimeNanoseconds(),
            context: TraceContext(accepting: parent),
            method: .get
        )
        trace.receive(traceState: "rojo=1, lucarne=keep", baggage: "tenant=acme;x=1,secret=y")
        trace.route = route
        telemetry.requestStarted(trace)
        let previous = trace.enter(.sql)
        trace.note("db.query.summary", "SELECT planets")
        trace.note("db.response.returned_rows", 3)
        trace.leave(to: previous)
        telemetry.requestEnded(trace, RequestSummary(status: status))
    }

    private static func items(_ telemetry: Telemetry, _ result: String) -> Int {
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        let name = #"lucarne_export_items_total{signal="traces",result="\#(result)"} "#
        return text.split(separator: "\n").first { $0.hasPrefix(name) }
            .flatMap { Int($0.dropFirst(name.count)) } ?? -1
    }

    @Test func `kept traces arrive as OTLP, with what other systems said of them`() throws {
        let receiver = try HTTPReceiver()
        defer { receiver.stop() }
        let telemetry = try Self.telemetry(receiver)
        let route = RouteTelemetry(template: "/a/{b}", registry: telemetry.registry)
        for _ in 0..<10 { Self.request(telemetry, route, status: 200) }
        Self.request(telemetry, route, status: 503)
        telemetry.close()
        let spans = receiver.requests.flatMap { request in
            #expect(request.path == "/v1/traces")
            #expect(request.head.contains("Content-Type: application/json"))
            #expect(brokenOTLPRules(request.json) == [])
            return request.json["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? []
        }
        #expect(spans.count == 22)
        #expect(Self.items(telemetry, "ok") == 22)
        let roots = spans.filter { $0["kind"]?.int == 2 }
        #expect(roots.count == 11)
        #expect(roots.allSatisfy { $0["traceState"]?.string == "lucarne=keep,rojo=1" })
        #expect(roots.allSatisfy { $0["parentSpanId"]?.string == "00f067aa0ba902b7" })
        #expect(roots.filter { $0["status"]?["code"]?.int == 2 }.count == 1)
        #expect(roots.allSatisfy { $0.compactText.contains(#""tenant=acme""#) })
        #expect(!spans.contains { $0.compactText.contains("secret") })
    }

    @Test func `a receiver that is not there costs traces, each of them counted`() throws {
        let receiver = try HTTPReceiver { _, _ in nil }
        let telemetry = try Self.telemetry(receiver)
        let route = RouteTelemetry(template: "/a/{b}", registry: telemetry.registry)
        for _ in 0..<10_000 { Self.request(telemetry, route, status: 200) }
        telemetry.close()
        receiver.stop()
        #expect(
            comesTrue {
                Self.items(telemetry, "failed") + Self.items(telemetry, "dropped") == 20_000
            }
        )
        #expect(Self.items(telemetry, "dropped") > 0)
        #expect(Self.items(telemetry, "ok") == 0)
    }
}

struct PropagationTests {
    @Test(
        arguments: [
            (
                "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
                ["rojo=00f067aa0ba902b7", "congo=t61rcWkgMzE"]
            ),
            (" a=1 , ,b=2\t", ["a=1", "b=2"]),
            ("a=1,lucarne=0af7,b=2", ["a=1", "b=2"]),
            ("tenant@system=x", ["tenant@system=x"]),
            ("", []),
        ]
    )
    func `a list of members is taken as it came, without ours`(_ text: String, _ others: [String]) {
        #expect(TraceState(parsing: text)?.others == others)
    }

    @Test(
        arguments: [
            "a", "A=1", "=1", "a=", "a=1,a=2", "a=x=y", "ä=1", "a=\u{7F}", "a@b@c=1", "_a=1",
            (0..<33).map { "k\($0)=v" }.joined(separator: ","),
            "a=" + String(repeating: "x", count: 257),
        ]
    )
    func `a list that breaks the rules is dropped`(_ text: String) {
        #expect(TraceState(parsing: text) == nil)
    }

    @Test func `ours comes first, and thirty-two are the most`() {
        let full = (0..<32).map { "k\($0)=v" }.joined(separator: ",")
        let text = TraceState(parsing: full)?.text(own: "keep") ?? ""
        let members = text.split(separator: ",")
        #expect(members.count == 32)
        #expect(members.first == "lucarne=keep")
        #expect(members.last == "k30=v")
    }

    @Test(
        arguments: [
            ("tenant=acme", "tenant=acme"), ("a=1, tenant = acme ;ttl=5,b=2", "tenant=acme"),
            ("plan=pro,tenant=%20x", "plan=pro,tenant=%20x"), ("secret=1", nil), ("tenant", nil),
            ("tenant=a\"b", nil), ("tenant=a b", nil), ("", nil),
            (String(repeating: "tenant=a,", count: 1_000), nil),
        ] as [(String, String?)]
    )
    func `of a caller's baggage only what is on the list is seen`(_ text: String, _ seen: String?) {
        #expect(Baggage.allowed(text, keys: ["tenant", "plan"]) == seen)
        #expect(Baggage.allowed(text, keys: []) == nil)
    }
}
