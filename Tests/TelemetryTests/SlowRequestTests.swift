// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Synchronization
import Testing

@testable import Telemetry

private let millisecond: UInt64 = 1_000_000
private let second: UInt64 = 1_000_000_000

/// One route, whose requests take as long as they are told to.
private struct Site {
    let telemetry: Telemetry
    let route: RouteTelemetry

    init(_ change: (inout TelemetryConfiguration) -> Void = { _ in }) {
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 0
        configuration.tracesMax = 1_000
        change(&configuration)
        telemetry = Telemetry(configuration)
        route = RouteTelemetry(template: "/x", registry: telemetry.registry)
    }

    func serve(
        _ count: Int = 1,
        milliseconds: UInt64,
        statement: UInt64? = nil,
        on other: RouteTelemetry? = nil
    ) {
        for _ in 0..<count {
            let trace = RequestTrace(
                startedAt: uptimeNanoseconds(),
                context: TraceContext(accepting: nil as String?),
                method: .get
            )
            trace.route = other ?? route
            telemetry.requestStarted(trace)
            let outside = trace.enter(.service)
            if let statement {
                telemetry.statementEnded(
                    "SELECT x",
                    nanoseconds: statement * millisecond,
                    rows: 1,
                    in: trace
                )
            }
            trace.leave(to: outside)
            trace.end(at: trace.startedAt + milliseconds * millisecond)
            telemetry.requestEnded(trace, RequestSummary(status: 200))
        }
    }

    /// How many traces have been kept, all of them slow.
    var kept: Int { telemetry.traces.all.count { $0.decision == .keptSlow } }
}

struct SlowRequestTests {
    @Test func `until a route is known, only what is slow for all is slow`() {
        let site = Site()
        site.serve(199, milliseconds: 20)
        site.serve(milliseconds: 499)
        #expect(site.kept == 0)
        site.serve(milliseconds: 500)
        #expect(site.kept == 1)
        let few = Site()
        few.serve(199, milliseconds: 20)
        few.telemetry.sampleSlowLimits(at: second)
        few.serve(milliseconds: 499)
        #expect(few.kept == 0)
    }

    @Test func `twice a route's p99 is slow, for this route alone`() {
        let site = Site()
        let other = RouteTelemetry(template: "/y", registry: site.telemetry.registry)
        site.serve(990, milliseconds: 20)
        // The hundredth part that takes longest does not count.
        site.serve(10, milliseconds: 300)
        site.telemetry.sampleSlowLimits(at: second)
        site.serve(milliseconds: 39)
        #expect(site.kept == 0)
        // A bucket is at most a tenth wide.
        site.serve(milliseconds: 45)
        #expect(site.kept == 1)
        site.serve(milliseconds: 400, on: other)
        #expect(site.kept == 1)
    }

    @Test func `twice of little is not slow yet`() {
        let site = Site()
        site.serve(300, milliseconds: 1)
        site.telemetry.sampleSlowLimits(at: second)
        site.serve(milliseconds: 9)
        #expect(site.kept == 0)
        site.serve(milliseconds: 10)
        #expect(site.kept == 1)
    }

    @Test func `a route that is slow as a rule keeps what is slow for all`() {
        let site = Site()
        site.serve(300, milliseconds: 450)
        site.telemetry.sampleSlowLimits(at: second)
        site.serve(milliseconds: 499)
        #expect(site.kept == 0)
        site.serve(milliseconds: 501)
        #expect(site.kept == 1)
    }

    @Test func `after a shift ten a sample are kept, and the limit follows`() {
        let site = Site()
        site.serve(1_000, milliseconds: 20)
        site.telemetry.sampleSlowLimits(at: second)
        site.serve(15, milliseconds: 100)
        #expect(site.kept == 10)
        // What is slow for all is kept without a bound.
        site.serve(15, milliseconds: 600)
        #expect(site.kept == 25)
        site.telemetry.sampleSlowLimits(at: 2 * second)
        site.serve(15, milliseconds: 100)
        #expect(site.kept == 25)
    }

    @Test func `what is older than thirty seconds is forgotten`() {
        let site = Site()
        site.serve(1_000, milliseconds: 100)
        for tick in 1...20 { site.telemetry.sampleSlowLimits(at: UInt64(tick) * second) }
        site.serve(1_000, milliseconds: 10)
        site.serve(milliseconds: 100)
        #expect(site.kept == 0)
        for tick in 21...60 { site.telemetry.sampleSlowLimits(at: UInt64(tick) * second) }
        // Nothing has come since, and so nothing is known.
        site.serve(milliseconds: 100)
        #expect(site.kept == 0)
        site.serve(1_000, milliseconds: 10)
        site.telemetry.sampleSlowLimits(at: 61 * second)
        site.serve(milliseconds: 100)
        #expect(site.kept == 1)
    }

    @Test func `the id that a slow statement was reported with leads to its trace`() {
        let site = Site { $0.log.ringRecordsMax = 100 }
        site.serve(milliseconds: 250, statement: 199)
        #expect(site.kept == 0)
        // No plan is asked for here, and the request is not slow for what requests may take.
        site.serve(3, milliseconds: 250, statement: 200)
        site.telemetry.logs.close()
        let reported = site.telemetry.logs.ring.snapshot
            .filter { $0.field("event")?.string == "sql.slow" }
            .compactMap { $0.field("trace_id")?.string }
        #expect(reported.count == 3)
        #expect(Set(reported) == Set(site.telemetry.traces.all.map(\.context.traceIDText)))
    }

    @Test func `a request over the threshold has a record to warn of it`() {
        let site = Site { $0.log.ringRecordsMax = 100 }
        for milliseconds: UInt64 in [499, 500, 1_000] { site.serve(milliseconds: milliseconds) }
        site.telemetry.logs.close()
        let requests = site.telemetry.logs.ring.snapshot.filter {
            $0.field("event")?.string == "http.request"
        }
        #expect(requests.map(\.level) == [.info, .warning, .warning])
    }

    @Test func `a request that is slow for its route has its debug records`() {
        let records = Mutex<[UInt8]>([])
        let sink = LogSinkConfiguration(
            .custom(name: "test") { bytes in
                records.withLock { $0.append(contentsOf: bytes) }
                return true
            }
        )
        let site = Site { $0.log.sinks = [sink] }
        site.serve(300, milliseconds: 20)
        site.telemetry.sampleSlowLimits(at: second)
        site.serve(milliseconds: 100)
        site.telemetry.logs.close()
        let lines = records.withLock { String(decoding: $0, as: UTF8.self) }.split(separator: "\n")
        let slow = lines.filter { $0.contains(#""sampled":"slow""#) }
        let debug = lines.filter { $0.contains(#""hindsight":true"#) }
        #expect(slow.count == 1)
        #expect(debug.count == 1)
        let id = site.telemetry.traces.all.first?.context.traceIDText ?? "none"
        #expect((slow + debug).allSatisfy { $0.contains(id) })
    }
}
