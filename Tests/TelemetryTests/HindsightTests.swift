// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Testing

@testable import Telemetry

/// What the layers have to tell of a request, besides what each took.
struct HindsightTests {
    private let telemetry: Telemetry
    private let route: RouteTelemetry

    init() {
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 0
        configuration.log.ringRecordsMax = 100
        telemetry = Telemetry(configuration)
        route = RouteTelemetry(template: "/x", registry: telemetry.registry)
    }

    private func refuse(_ traceState: String? = nil) -> RequestTrace {
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        trace.receive(traceState: traceState, baggage: nil)
        trace.route = route
        telemetry.requestStarted(trace)
        trace.enter(.middleware)
        trace.leave(to: trace.enter(.auth), failed: true)
        telemetry.report(.decided(.bearer, .expired, nanoseconds: 1), in: trace)
        trace.move(to: .write)
        telemetry.requestRefused(
            .bodyTooLarge,
            status: nil,
            of: "elsewhere",
            in: trace,
            on: .public
        )
        var summary = RequestSummary(status: 401)
        summary.clientAddress = "192.0.2.1"
        telemetry.requestEnded(trace, summary)
        return trace
    }

    private var records: [LogEntry] {
        telemetry.logs.close()
        return telemetry.logs.ring.snapshot
    }

    @Test func `an ordinary request has none of it`() {
        _ = refuse()
        #expect(records.map { $0.field("event")?.string } == ["http.request"])
    }

    @Test(arguments: ["asked for", "in a scope", "at debug level"])
    func `whoever is asked for has it in order, under its name`(_ reason: String) throws {
        if reason == "in a scope" {
            #expect(telemetry.scopes.add(LogScope(.route("/x"), until: .max)))
        }
        if reason == "at debug level" { telemetry.logs.setLevel(.debug) }
        let trace = refuse(reason == "asked for" ? "lucarne=keep" : nil)
        let records = records.filter { $0.traceID == trace.context.traceIDText }
        let told = records.map { $0.field("layer")?.string ?? $0.field("event")?.string ?? "" }
        #expect(
            told == ["http.request", "middleware", "auth", "auth.refused", "write"]
                + ["http.parse_error"]
        )
        let refused = try #require(records.first { $0.field("event")?.string == "auth.refused" })
        #expect(refused.level == .debug)
        #expect(refused.field("reason")?.string == "expired")
        #expect(refused.field("scheme")?.string == "bearer")
        #expect(refused.field("client.address")?.string == "192.0.2.1")
        #expect((refused.field("hindsight") == nil) == (reason == "at debug level"))
    }

    @Test func `what belongs to no request is told at once`() throws {
        telemetry.logs.setLevel(.debug)
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        telemetry.requestRefused(
            .badHeader,
            status: 400,
            of: "192.0.2.2",
            in: trace,
            on: .public
        )
        telemetry.report(.decided(.bearer, .expired, nanoseconds: 1))
        let records = records.filter { $0.field("event")?.string != "log.level" }
        #expect(records.map { $0.field("event")?.string } == ["http.parse_error", "auth.refused"])
        #expect(records.map { $0.field("client.address")?.string } == ["192.0.2.2", nil])
        #expect(records.map(\.traceID) == [trace.context.traceIDText, nil])
    }
}
