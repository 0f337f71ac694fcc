// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

private let traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
private let spanID = "00f067aa0ba902b7"

struct TraceContextTests {
    @Test(arguments: [
        "00-\(traceID)-\(spanID)-00",
        "00-\(traceID)-\(spanID)-01",
        "00-\(traceID)-\(spanID)-ff",
        "01-\(traceID)-\(spanID)-01",
        "cc-\(traceID)-\(spanID)-01-what-the-future-will-be-like",
        "fe-\(traceID)-\(spanID)-01-",
    ])
    func `a well-formed traceparent is continued`(_ header: String) {
        let context = TraceContext(accepting: header)
        #expect(context.origin == .accepted)
        #expect(context.traceIDText == traceID)
        #expect(context.parentSpanID == 0x00f0_67aa_0ba9_02b7)
        #expect(context.spanIDText != spanID)
    }

    @Test(arguments: [
        "", "00", "00-", traceID, " 00-\(traceID)-\(spanID)-01", "00-\(traceID)-\(spanID)-01 ",
        "00-\(traceID)-\(spanID)-01-more", "00-\(traceID)-\(spanID)-1",
        "00-\(traceID)-\(spanID)-0g", "00-\(traceID)-\(spanID)_01", "ff-\(traceID)-\(spanID)-01",
        "0-\(traceID)-\(spanID)-01x", "00-\(traceID.uppercased())-\(spanID)-01",
        "00-\(String(repeating: "0", count: 32))-\(spanID)-01",
        "00-\(traceID)-0000000000000000-01", "01-\(traceID)-\(spanID)-01x",
        "00-\(traceID)-\(spanID)-01\u{0}", "00-\(traceID)-\(spanID)-٠١",
        "00-4bf92f3577b34da6a3ce929d0e0e473-\(spanID)-011",
        String(repeating: "0", count: 55), String(repeating: "-", count: 100_000),
    ])
    func `a malformed traceparent starts a new trace`(_ header: String) {
        let context = TraceContext(accepting: header)
        #expect(context.origin == .invalid)
        #expect(context.traceIDText != traceID)
        #expect(context.parentSpanID == 0)
        #expect(context.flags == 2, "ids of our making are random, and say so")
    }

    @Test func `what is sent on can be continued`() {
        let mine = TraceContext(accepting: nil as String?)
        #expect(mine.origin == .absent)
        let next = TraceContext(accepting: mine.traceparent)
        #expect(next.origin == .accepted)
        #expect(next.traceIDText == mine.traceIDText)
        #expect(next.parentSpanID == mine.spanID)
    }

    @Test(
        arguments: [
            (traceID, true), ("5\(traceID.dropFirst())", false), ("\(traceID.dropLast())7", false),
            ("4bf92f3577b34da6b3ce929d0e0e4736", false), ("\(traceID)0", false),
            ("\(traceID.dropLast())", false), (traceID.uppercased(), false), ("", false),
        ] as [(String, Bool)]
    )
    func `a trace knows its id`(_ text: String, _ isItsOwn: Bool) {
        #expect(TraceContext(accepting: "00-\(traceID)-\(spanID)-01").isNamed(text) == isItsOwn)
    }

    @Test func `flags we do not know are not passed on`() {
        #expect(TraceContext(accepting: "00-\(traceID)-\(spanID)-ff").flags == 3)
    }

    @Test func `identifiers do not repeat, from however many threads`() async {
        let ids = await withTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<8 {
                group.addTask { (0..<10_000).map { _ in IdentifierSource.next() } }
            }
            return await group.reduce(into: Set<UInt64>()) { $0.formUnion($1) }
        }
        #expect(ids.count == 80_000)
        #expect(!ids.contains(0))
    }
}
