// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

private struct Refused: Error {}

struct RequestTraceTests {
    private func trace(startedAt: UInt64 = 1_000) -> RequestTrace {
        RequestTrace(
            startedAt: startedAt,
            context: .restarted(),
            requestID: "r-1",
            method: .get
        )
    }

    @Test func `the layers' self times add up to the duration, to the nanosecond`() {
        let trace = trace()
        trace.enter(.middleware, named: "m", at: 1_010)
        let before = trace.enter(.controller, named: "c", at: 1_030)
        let outer = trace.enter(.sql, named: "s", at: 1_100)
        trace.leave(to: outer, failed: false, at: 1_700)
        trace.leave(to: before, failed: false, at: 1_800)
        trace.end(at: 1_850)
        #expect(trace.selfNanoseconds(.parse) == 10)
        #expect(trace.selfNanoseconds(.middleware) == 20 + 50)
        #expect(trace.selfNanoseconds(.controller) == 70 + 100)
        #expect(trace.selfNanoseconds(.sql) == 600)
        #expect(trace.durationNanoseconds == 850)
        #expect(trace.total == trace.durationNanoseconds)
    }

    @Test func `any walk through the layers adds up`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let trace = trace(startedAt: uptimeNanoseconds())
            var open: [Layer] = []
            for _ in 0..<Int.random(in: 0..<60, using: &random) {
                switch Int.random(in: 0..<3, using: &random) {
                case 0: open.append(trace.enter(Layer.allCases.randomElement() ?? .sql))
                case 1: trace.move(to: Layer.allCases.randomElement() ?? .sql)
                default: if let previous = open.popLast() { trace.leave(to: previous) }
                }
            }
            trace.end()
            #expect(trace.total == trace.durationNanoseconds)
        }
    }

    @Test func `a boundary measures the one that fails as well`() async {
        let trace = trace(startedAt: uptimeNanoseconds())
        let service = Boundary(.service, "rest.read")
        let ok = await service.measure(in: trace) { _ async in 7 }
        await #expect(throws: Refused.self) {
            try await service.measure(in: trace) { _ async throws(Refused) -> Int in
                throw Refused()
            }
        }
        trace.end()
        #expect(ok == 7)
        #expect(trace.layer == .parse)
        #expect(trace.spanCount == 2)
        #expect(!trace.span(0).failed)
        #expect(trace.span(1).failed)
    }

    @Test func `spans know the one they happened in`() {
        let trace = trace()
        let parse = trace.enter(.controller, named: "outer", at: 1_100)
        let controller = trace.enter(.sql, named: "inner", at: 1_200)
        trace.leave(to: controller, failed: false, at: 1_300)
        trace.leave(to: parse, failed: false, at: 1_400)
        trace.enter(.write, named: "after", at: 1_500)
        trace.end(at: 1_600)
        #expect((0..<trace.spanCount).map { trace.span($0).parent } == [-1, 0, -1])
        #expect(trace.span(2).endedAt == 1_600)
    }

    @Test func `more spans than the arena holds are counted, and the ledger still adds up`() {
        let trace = trace(startedAt: uptimeNanoseconds())
        var previous: [Layer] = []
        for _ in 0..<50 { previous.append(trace.enter(.service)) }
        while let layer = previous.popLast() { trace.leave(to: layer) }
        let after = trace.enter(.write)
        trace.leave(to: after)
        trace.end()
        #expect(trace.spanCount == 20)
        #expect(trace.spansLost == 31)
        #expect((0..<20).allSatisfy { trace.span($0).endedAt >= trace.span($0).startedAt })
        #expect(trace.total == trace.durationNanoseconds)
    }

    @Test func `the end is the end`() {
        let trace = trace()
        trace.end(at: 2_000)
        trace.end(at: 9_000)
        #expect(trace.durationNanoseconds == 1_000)
    }

    @Test func `each label stands where its series are`() {
        func check<Label: EventLabel & Equatable>(_: Label.Type) {
            for (position, label) in Label.allCases.enumerated() {
                #expect(label.position == position, "\(label)")
            }
        }
        check(Listener.self)
        check(ConnectionEvent.CloseReason.self)
        check(ConnectionEvent.ParseErrorReason.self)
        check(AuthenticationEvent.Outcome.self)
        check(RequestPart.self)
        check(CacheName.self)
        check(CacheEvent.Lookup.self)
        check(CacheEvent.Eviction.self)
        check(PoolEvent.AcquireResult.self)
        check(TraceDecision.self)
        check(ErrorType.self)
        check(Redaction.Rule.self)
        check(WorkerQueue.self)
        #expect(Layer.allCases.count == Layer.count)
        #expect(Layer.allCases.enumerated().allSatisfy { Int($1.rawValue) == $0 })
    }
}

extension RequestTrace {
    fileprivate var total: UInt64 { Layer.allCases.reduce(0) { $0 + selfNanoseconds($1) } }
}
