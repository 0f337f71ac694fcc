// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Synchronization
import Testing

@testable import Telemetry

private func lines(_ telemetry: Telemetry) -> Set<String> {
    let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
    return Set(text.split(separator: "\n").map(String.init))
}

private func trace(_ telemetry: Telemetry, _ route: RouteTelemetry) -> RequestTrace {
    let trace = RequestTrace(
        startedAt: uptimeNanoseconds() - 3_000_000,
        context: TraceContext(accepting: nil as String?),
        method: .get
    )
    trace.route = route
    telemetry.requestStarted(trace)
    return trace
}

/// One route, whose requests all end in the same second; and what is logged of them.
private final class KeepingSite: Sendable {
    let telemetry: Telemetry
    private let route: RouteTelemetry
    private let records: Records

    private final class Records: Sendable {
        let bytes = Mutex<[UInt8]>([])
    }

    init(_ change: (inout TelemetryConfiguration) -> Void) {
        let records = Records()
        self.records = records
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 0
        configuration.log.sinks = [
            LogSinkConfiguration(
                .custom(name: "test") { bytes in
                    records.bytes.withLock { $0.append(contentsOf: bytes) }
                    return true
                }
            )
        ]
        change(&configuration)
        telemetry = Telemetry(configuration)
        route = RouteTelemetry(template: "/x", registry: telemetry.registry)
    }

    func serve(
        status: Int = 200,
        traceparent: String? = nil,
        traceState: String? = nil,
        milliseconds: UInt64 = 1
    ) {
        let trace = RequestTrace(
            startedAt: 10_000_000_000,
            context: TraceContext(accepting: traceparent),
            method: .get
        )
        trace.receive(traceState: traceState, baggage: nil)
        trace.route = route
        telemetry.requestStarted(trace)
        let before = trace.enter(.service, named: "service", at: trace.startedAt)
        trace.leave(to: before, failed: status >= 500, at: trace.startedAt + 1)
        trace.end(at: trace.startedAt + milliseconds * 1_000_000)
        telemetry.requestEnded(trace, RequestSummary(status: status))
    }

    /// Records by what they tell of; nothing is logged afterwards.
    var events: [String: Int] {
        telemetry.logs.close()
        let text = records.bytes.withLock { String(decoding: $0, as: UTF8.self) }
        let events = text.split(separator: "\n").compactMap { line in
            line.firstRange(of: #""event":""#).map { line[$0.upperBound...].prefix { $0 != "\"" } }
        }
        return Dictionary(grouping: events.map { String($0) }, by: \.self).mapValues(\.count)
    }
}

struct RequestTelemetryTests {
    @Test func `one request is seen in flight, and then counted once`() throws {
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 0
        let telemetry = Telemetry(configuration)
        let route = RouteTelemetry(template: "/x/{id}", registry: telemetry.registry)
        let trace = trace(telemetry, route)
        trace.enter(.sql)
        #expect(telemetry.flights.entries.map(\.layer) == [.sql])
        #expect(telemetry.flights.entries.map(\.route) == ["/x/{id}"])
        #expect(telemetry.http.active[0].value == 1)
        telemetry.statementEnded("SELECT x", nanoseconds: 5, rows: 3, in: trace)
        trace.end(at: trace.startedAt + 4_000_000)
        telemetry.requestEnded(trace, RequestSummary(status: 200))
        #expect(telemetry.flights.entries.isEmpty)
        #expect(telemetry.http.active[0].value == 0)
        let lines = lines(telemetry)
        let labels =
            #"{http_request_method="GET",http_route="/x/{id}","#
            + #"http_response_status_code="200",error_type="",url_scheme="http""#
        #expect(lines.contains("http_server_request_duration_seconds_count\(labels)} 1"))
        #expect(lines.contains("http_server_request_duration_seconds_sum\(labels)} 0.004"))
        #expect(
            lines.contains("http_server_request_duration_seconds_bucket\(labels),le=\"0.0025\"} 0")
        )
        #expect(
            lines.contains("http_server_request_duration_seconds_bucket\(labels),le=\"0.005\"} 1")
        )
        #expect(lines.contains(#"lucarne_sql_queries_per_request_sum{http_route="/x/{id}"} 1"#))
        #expect(lines.contains(#"lucarne_spans_total{decision="dropped"} 1"#))
        #expect(telemetry.traces.all.isEmpty)
    }

    @Test func `records of a route's requests tell the path that each asked for`() {
        var configuration = TelemetryConfiguration()
        configuration.log.ringRecordsMax = 100
        let telemetry = Telemetry(configuration)
        // As loops write them.
        Shard.bind(index: 60)
        defer { Shard.unbind() }
        let route = RouteTelemetry(template: "/{x}", registry: telemetry.registry)
        let paths = ["/of/items", "/as/items", "/a", "/b", "/of/items", "", "/of/items"]
        for path in paths + paths {
            var summary = RequestSummary(status: 200)
            summary.path = Array("GET \(path)".utf8)[4...]
            telemetry.requestEnded(trace(telemetry, route), summary)
        }
        telemetry.account()
        telemetry.logs.close()
        let told = telemetry.logs.ring.snapshot.compactMap { record in
            let line = String(decoding: record.line, as: UTF8.self)
            return line.firstRange(of: #""url.path":""#)
                .map { String(line[$0.upperBound...].prefix { $0 != "\"" }) }
        }
        #expect(told == paths + paths)
    }

    @Test func `a statement that shares its series is told of by its own name`() {
        let telemetry = Telemetry()
        for number in 0..<StatementSeries.entriesMax {
            telemetry.statementEnded("SELECT t\(number)", nanoseconds: 1, rows: 1)
        }
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        let trace = trace(telemetry, route)
        for summary in ["SELECT t7", "SELECT beyond"] {
            telemetry.statementEnded(summary, nanoseconds: 1, rows: 1, in: trace)
        }
        #expect(trace.statementCount == 2)
        let names = trace.attributes.compactMap { attribute in
            if case .text(let text) = attribute.value { text } else { nil }
        }
        #expect(names == ["SELECT t7", "SELECT beyond"])
        let slot = Shard.current
        let statements = telemetry.statements
        #expect(!statements.handle("SELECT t7", in: "", slot: slot).isShared)
        #expect(statements.handle("SELECT beyond", in: "", slot: slot).summary == "_other")
    }

    @Test func `what the process is asked about itself is none of the service's requests`() {
        let telemetry = Telemetry()
        let probe = RouteTelemetry(
            template: "/livez",
            registry: telemetry.registry,
            isOperational: true
        )
        for route in [probe, telemetry.unmatchedOperation] {
            let trace = trace(telemetry, route)
            #expect(telemetry.http.active[0].value == 0)
            #expect(telemetry.flights.entries.count == 1)
            telemetry.requestEnded(trace, RequestSummary(status: 404))
            #expect(telemetry.http.active[0].value == 0)
        }
        #expect(telemetry.objectives.standings.allSatisfy { $0.requests == 0 })
        #expect(telemetry.traces.all.isEmpty)
    }

    @Test func `a kept trace hides what a log record hides`() throws {
        let telemetry = Telemetry()
        let route = RouteTelemetry(template: "/x/{rest*}", registry: telemetry.registry)
        let trace = trace(telemetry, route)
        trace.note("db.query.summary", "postgresql://me:hush@db/x")
        var summary = RequestSummary(status: 500)
        summary.path = Array("/x/password=hush&t=eyJhbGciOiJIUzI1NiJ9.hush".utf8)[...]
        summary.userAgent = Array("curl Bearer hush".utf8)[...]
        summary.query = Array("client_secret=hu+s%68;b&or=(a.eq.+1,token.eq.hush".utf8)[...]
        summary.errorMessage = "no filter (hu sh): x, password=hush ((a.eq. 1,token.eq.hush)"
        telemetry.requestEnded(trace, summary)
        let kept = try #require(telemetry.traces.all.first)
        #expect(kept.path == "/x/password=[redacted]&t=[redacted]")
        #expect(kept.userAgent == "curl Bearer [redacted]")
        let message = "no filter ([redacted]): x, password=[redacted] ([redacted])"
        #expect(kept.errorMessage == message)
        #expect(kept.attributes.map(\.value.text) == ["postgresql://me:[redacted]@db/x"])
    }

    @Test func `the layers in the metrics add up to the duration in the metrics`() {
        let telemetry = Telemetry()
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        for _ in 0..<100 {
            let trace = trace(telemetry, route)
            let before = trace.enter(.service)
            trace.leave(to: before)
            trace.move(to: .write)
            telemetry.requestEnded(trace, RequestSummary(status: 200))
        }
        let layers = route.layers.reduce(0) { $0 + $1.value }
        #expect(layers == route.duration(.get, status: 200, errorType: .none).sum)
        #expect(layers >= 300_000_000)
    }

    @Test func `a failed request leaves a trace, an exemplar that opens it, and its debug records`()
        throws
    {
        let records = Mutex<[UInt8]>([])
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 0
        configuration.log.sinks = [
            LogSinkConfiguration(
                .custom(name: "test") { bytes in
                    records.withLock { $0.append(contentsOf: bytes) }
                    return true
                }
            )
        ]
        let telemetry = Telemetry(configuration)
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        for status in [200, 500, 404] {
            let trace = trace(telemetry, route)
            let before = trace.enter(.sql)
            trace.note("db.query.summary", "SELECT x")
            trace.leave(to: before, failed: status == 500)
            var summary = RequestSummary(status: status)
            summary.path = Array("/x/\(status)".utf8)[...]
            telemetry.requestEnded(trace, summary)
        }
        let kept = try #require(telemetry.traces.all.first)
        #expect(telemetry.traces.all.count == 1)
        #expect(kept.path == "/x/500")
        #expect(kept.spans.first?.failed == true)
        #expect(telemetry.traces.find(kept.context.traceIDText).count == 1)
        let text = String(decoding: telemetry.exposition(as: .openmetrics), as: UTF8.self)
        #expect(text.contains("# {trace_id=\"\(kept.context.traceIDText)\"}"))
        telemetry.logs.close()
        let lines = records.withLock { String(decoding: $0, as: UTF8.self) }.split(separator: "\n")
        let debug = lines.filter { $0.contains(#""level":"debug""#) }
        #expect(debug.count == 1)
        #expect(debug.allSatisfy { $0.contains(kept.context.traceIDText) })
        #expect(debug.allSatisfy { $0.contains(#""db.query.summary":"SELECT x""#) })
        #expect(lines.filter { $0.contains(#""event":"http.request""#) }.count == 3)
    }

    @Test(arguments: [TraceDecision.keptForced, .keptError, .keptSlow])
    func `beyond so many a second a request has its one record`(_ reason: TraceDecision) {
        let site = KeepingSite { $0.hindsightPerSecondMax = 5 }
        for _ in 0..<20 {
            site.serve(
                status: reason == .keptError ? 500 : 200,
                traceState: reason == .keptForced ? "lucarne=keep" : nil,
                milliseconds: reason == .keptSlow ? 600 : 1
            )
        }
        #expect(site.telemetry.traces.all.map(\.decision) == Array(repeating: reason, count: 5))
        let lines = lines(site.telemetry)
        #expect(lines.contains(#"lucarne_spans_total{decision="\#(reason.rawValue)"} 5"#))
        #expect(lines.contains(#"lucarne_spans_total{decision="limited"} 15"#))
        #expect(site.events["http.request"] == 20)
        #expect(site.events["request.layer"] == 5)
    }

    @Test(arguments: [(1, 40), (2, 10)])
    func `ordinary traces are kept ten a second, unless all are asked for`(
        _ interval: Int,
        _ kept: Int
    ) {
        let site = KeepingSite { $0.keepOneTraceIn = interval }
        for number in 1...40 {
            let id = String(number * 2, radix: 16)
            let zeros = String(repeating: "0", count: 32 - id.count)
            site.serve(traceparent: "00-\(zeros)\(id)-00f067aa0ba902b7-00")
        }
        #expect(site.telemetry.traces.all.count == kept)
        #expect(site.events["http.request"] == 40)
    }

    @Test(arguments: [true, false])
    func `a caller's wish to keep a trace counts where callers are listened to`(_ isHeard: Bool) {
        let site = KeepingSite { $0.callersMayKeep = isHeard }
        site.serve(traceState: "lucarne=keep")
        site.serve(traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
        let kept: Set<TraceDecision> = isHeard ? [.keptSampled, .keptForced] : []
        #expect(Set(site.telemetry.traces.all.map(\.decision)) == kept)
        #expect(site.events["request.layer"] == (isHeard ? 1 : nil))
    }

    @Test func `a statement's exemplar opens the ordinary trace that was kept`() throws {
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 1
        let telemetry = Telemetry(configuration)
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        let trace = trace(telemetry, route)
        for nanoseconds: UInt64 in [1_200_000, 3_000_000] {
            telemetry.statementEnded("SELECT x", nanoseconds: nanoseconds, rows: 1, in: trace)
        }
        telemetry.requestEnded(trace, RequestSummary(status: 200))
        let text = String(decoding: telemetry.exposition(as: .openmetrics), as: UTF8.self)
        let id = trace.context.traceIDText
        let exemplars = text.split(separator: "\n").filter {
            $0.hasPrefix("db_client_operation_duration_seconds_bucket") && $0.contains(id)
        }
        #expect(exemplars.count == 2, "\(exemplars)")
    }

    @Test func `what is sent as metrics points at traces that are held`() throws {
        let receiver = try HTTPReceiver { _, _ in "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" }
        defer { receiver.stop() }
        var configuration = TelemetryConfiguration()
        configuration.metricEndpoint = receiver.endpoint
        configuration.keepOneTraceIn = 1
        configuration.tracesMax = 1
        let telemetry = Telemetry(configuration)
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        let ids = [200, 404].map { status in
            let trace = trace(telemetry, route)
            telemetry.requestEnded(trace, RequestSummary(status: status))
            return trace.context.traceIDText
        }
        telemetry.close()
        let sent = try #require(receiver.requests.last).json.compactText
        #expect(!sent.contains(ids[0]), "it has made room for the other")
        #expect(sent.contains(ids[1]))
    }

    @Test func `a route outlives its requests, whoever else lets go of it`() {
        let telemetry = Telemetry()
        weak var left: RouteTelemetry?
        do {
            let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
            left = route
            _ = trace(telemetry, route)
        }
        #expect(left != nil)
    }

    @Test func `a loop's requests are accounted for together, and none twice`() async {
        let telemetry = Telemetry()
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        let counted = Mutex<[UInt64]>([])
        await onLoops(1) { _ in
            for number in 1...20 {
                telemetry.requestEnded(trace(telemetry, route), RequestSummary(status: 200))
                #expect(telemetry.flights.entries.isEmpty)
                let count = route.duration(.get, status: 200, errorType: .none).count
                #expect(count == (number < 16 ? 0 : 16))
            }
            for _ in 0..<2 {
                telemetry.account()
                let count = route.duration(.get, status: 200, errorType: .none).count
                counted.withLock { $0.append(count) }
            }
        }
        #expect(counted.withLock(\.self) == [20, 20])
        #expect(telemetry.http.active[0].value == 0)
    }

    @Test func `probes and scrapes are no part of the service's figures`() {
        let telemetry = Telemetry()
        let route = RouteTelemetry(
            template: "/livez",
            registry: telemetry.registry,
            isOperational: true
        )
        telemetry.requestEnded(trace(telemetry, route), RequestSummary(status: 200))
        let counted = lines(telemetry).filter {
            $0.hasPrefix("http_server_request_duration_seconds_count") && !$0.hasSuffix(" 0")
        }
        #expect(counted.isEmpty)
    }

    @Test func `an outcome's series is found again, and their number is bounded`() {
        let telemetry = Telemetry()
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        for status in 0..<1_000 {
            route.duration(.get, status: status, errorType: .none).observe(1)
        }
        route.duration(.get, status: 7, errorType: .none).observe(1)
        let family = telemetry.http.duration.family
        #expect(family.series.filter { $0.values[1] == "/x" }.count <= 122)
        #expect(route.duration(.get, status: 7, errorType: .none).count == 2)
        for index in 0..<1_000 { route.problem("code\(index)").add() }
        #expect(route.problem("code3").value == 1)
    }

    @Test func `the pool's gauges follow its events`() {
        let telemetry = Telemetry()
        telemetry.report(.connecting)
        telemetry.report(.opened(nanoseconds: 1_000_000))
        telemetry.report(.startedWaiting)
        telemetry.report(.acquired(.waited, waitedNanoseconds: 10, queued: true))
        var lines = lines(telemetry)
        #expect(lines.contains(#"lucarne_db_pool_connections{pool="primary",state="used"} 1"#))
        #expect(lines.contains(#"lucarne_db_pool_connections{pool="primary",state="idle"} 0"#))
        #expect(lines.contains(#"lucarne_db_pool_waiters{pool="primary"} 0"#))
        telemetry.report(.released(usedNanoseconds: 5))
        telemetry.report(.closed(.lifetime, wasUsed: false))
        lines = Set(
            String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
                .split(separator: "\n").map(String.init)
        )
        #expect(lines.contains(#"lucarne_db_pool_connections{pool="primary",state="used"} 0"#))
        #expect(lines.contains(#"lucarne_db_pool_connections{pool="primary",state="idle"} 0"#))
    }
}
