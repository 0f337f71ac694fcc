// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

struct StatementPlansTests {
    private let run = CapturedPlan.Run(traceIDHigh: 1, traceIDLow: 2, spanID: 3, span: 0)
    private let second: UInt64 = 1_000_000_000

    private func plans(perMinute: Int = 100) -> StatementPlans {
        StatementPlans(perMinute: perMinute, MetricRegistry())
    }

    private func plan(_ outline: String...) -> StatementPlan {
        StatementPlan(
            hash: UInt64(truncatingIfNeeded: outline.hashValue),
            outline: outline,
            findings: [],
            json: "[]"
        )
    }

    @Test func `a plan is asked for once, again when it is slower, and again after a minute`() {
        let plans = plans()
        func asks(_ milliseconds: UInt64, at seconds: UInt64) -> Bool {
            let asks = plans.shouldAsk(
                for: "SELECT 1",
                nanoseconds: milliseconds * 1_000_000,
                run: run,
                now: (100 + seconds) * second
            )
            if asks { _ = plans.captured(plan("Result"), of: "SELECT 1", summary: "", run: run) }
            return asks
        }
        #expect(asks(300, at: 0))
        #expect(!asks(300, at: 1))
        #expect(!asks(250, at: 2))
        #expect(asks(501, at: 3))
        #expect(!asks(600, at: 62))
        #expect(asks(600, at: 63))
    }

    @Test func `one is asked for at a time, and so many a minute`() {
        let plans = plans(perMinute: 2)
        func asks(_ query: String, at seconds: UInt64) -> Bool {
            plans.shouldAsk(for: query, nanoseconds: 1, run: run, now: (100 + seconds) * second)
        }
        #expect(asks("a", at: 0))
        #expect(!asks("b", at: 0))
        plans.failed()
        #expect(asks("b", at: 1))
        plans.failed()
        #expect(!asks("c", at: 2))
        #expect(asks("c", at: 60))
        #expect(
            !StatementPlans(perMinute: 0, MetricRegistry())
                .shouldAsk(for: "a", nanoseconds: 1, run: run)
        )
    }

    @Test func `a changed plan says what it was before, and keeps its runs apart`() {
        let plans = plans()
        let query = "SELECT 1"
        #expect(plans.shouldAsk(for: query, nanoseconds: 1, run: run, now: 100 * second))
        #expect(plans.captured(plan("Index Scan"), of: query, summary: "s", run: run) == nil)
        var other = run
        other.spanID = 4
        #expect(plans.shouldAsk(for: query, nanoseconds: 9, run: other, now: 101 * second))
        let before = plans.captured(plan("Seq Scan"), of: query, summary: "s", run: other)
        #expect(before?.outline == ["Index Scan"])
        #expect(plans.all.map(\.runs) == [[run], [other]])
        #expect(plans.shouldAsk(for: query, nanoseconds: 99, run: run, now: 102 * second))
        #expect(plans.captured(plan("Seq Scan"), of: query, summary: "s", run: run) == nil)
    }

    /// A look at the database's health has a trace, and is never accounted for as a request.
    @Test func `a statement of what is no request is counted at once`() {
        let telemetry = Telemetry()
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        telemetry.statementEnded("SELECT 1", nanoseconds: 1, rows: 1, in: trace)
        #expect(telemetry.statementStatistics.map(\.count) == [1])
        #expect(trace.attributes.map(\.value.text) == ["SELECT 1", "1"])
    }

    @Test func `statements are counted with their quantiles`() {
        let telemetry = Telemetry()
        for milliseconds: UInt64 in [1, 1, 1, 300] {
            telemetry.statementEnded(
                "SELECT planets",
                nanoseconds: milliseconds * 1_000_000,
                rows: 2,
                sqlState: milliseconds > 1 ? "57014" : nil
            )
        }
        let statistics = telemetry.statementStatistics
        #expect(statistics.map(\.summary) == ["SELECT planets"])
        #expect(statistics.map(\.count) == [4])
        #expect(statistics.map(\.errors) == [1])
        #expect(statistics.map(\.slow) == [1])
        #expect(statistics.map(\.rows) == [8])
        #expect(statistics.map(\.totalNanoseconds) == [303_000_000])
        #expect(statistics.allSatisfy { $0.median <= 1_000_000 && $0.p99 > 250_000_000 })
    }
}
