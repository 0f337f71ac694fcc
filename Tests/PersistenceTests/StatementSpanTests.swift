// SPDX-License-Identifier: Apache-2.0
import EventLoop
import LucarneCore
import PostgresClient
import Testing

@testable import Persistence
@testable import Telemetry

/// A statement's duration in metrics, exemplars and logs is that of its span, to the nanosecond.
@Suite(.serialized) struct StatementSpanTests {
    private static func read(_ sql: String, _ sharing: Sharing? = nil) -> Transaction {
        var transaction = Transaction(
            summary: "test",
            access: .readOnly,
            statements: [Query(sql)]
        )
        transaction.sharing = sharing
        return transaction
    }

    /// How long each statement took, as the trace's spans and as the metrics have it; and that the
    /// layer took as long in all.
    private static func expectAgreement(_ trace: RequestTrace, _ count: Int, failed: Bool = false) {
        let spans = (0..<trace.spanCount).map { trace.span($0) }.filter { $0.layer == .sql }
        let durations = spans.map { $0.endedAt &- $0.startedAt }
        #expect(durations == trace.waitingExemplars.map(\.value))
        #expect(durations.count == count)
        #expect(spans.allSatisfy { $0.failed == failed })
        #expect(trace.selfNanoseconds(.sql) == durations.reduce(0, +))
        #expect(trace.layer == .service)
    }

    private static func request(deadline: UInt64 = .max) -> RequestContext {
        let trace = RequestTrace(startedAt: uptime(), context: .restarted())
        trace.enter(.service)
        let identity = Identity(role: "postgres", claims: "{}", isAnonymous: false)
        return RequestContext(identity: identity, deadline: deadline, trace: trace)
    }

    @Test func `a statement by itself`() async throws {
        try await withDatabase { database, _ in
            let context = Self.request()
            _ = try await database.perform(Self.read("SELECT 1"), in: context)
            _ = try await database.perform(Self.read("SELECT 2"), in: context)
            Self.expectAgreement(context.trace, 2)
            let failing = Self.request()
            await #expect(throws: Problem.self) {
                try await database.perform(Self.read("SELECT 1/0"), in: failing)
            }
            Self.expectAgreement(failing.trace, 1, failed: true)
        }
    }

    @Test func `a transaction that stays open is one statement, told of at its end`() async throws {
        try await withDatabase { database, _ in
            let context = Self.request()
            let trace = context.trace
            var transaction = Self.read("SELECT 3")
            transaction.ending = .open
            let open = try await database.open(transaction, in: context)
            _ = try await open.perform(Query("SELECT 4"))
            #expect(trace.waitingExemplars.isEmpty && trace.statementCount == 1)
            try await open.commit()
            let spans = (0..<trace.spanCount).map { trace.span($0) }.filter { $0.layer == .sql }
            #expect(spans.count == 3)
            let took = spans.reduce(0) { $0 + ($1.endedAt &- $1.startedAt) }
            #expect(trace.waitingExemplars.map(\.value) == [took])
            #expect(trace.selfNanoseconds(.sql) == took)
            #expect(trace.statementCount == 1)
            transaction.statements = [Query("SELECT 1/0")]
            let failing = Self.request()
            await #expect(throws: Problem.self) {
                try await database.open(transaction, in: failing)
            }
            Self.expectAgreement(failing.trace, 1, failed: true)
        }
    }

    @Test func `statements that share a transaction took what it took`() async throws {
        try await withDatabase { database, _ in
            let sharing = Sharing { _ in false }
            for _ in 0..<20 { sharing.took(10_000) }
            let contexts = (0..<4).map { _ in Self.request() }
            await withTaskGroup(of: Void.self) { group in
                for context in contexts {
                    group.addTask(executorPreference: EventLoop.current) {
                        _ = try? await database.perform(Self.read("SELECT 1", sharing), in: context)
                    }
                }
            }
            for context in contexts { Self.expectAgreement(context.trace, 1) }
            let durations = contexts.flatMap { $0.trace.waitingExemplars.map(\.value) }
            #expect(Set(durations).count == 1)
        }
    }

    @Test func `who got no session has no statement`() async throws {
        try await withDatabase(connectionsMax: 1) { database, _ in
            var transaction = Self.read("SELECT 1")
            transaction.ending = .open
            let held = try await database.open(transaction, in: Self.request())
            let late = Self.request(deadline: uptime())
            await #expect(throws: Problem.self) {
                try await database.perform(Self.read("SELECT 2"), in: late)
            }
            Self.expectAgreement(late.trace, 0)
            #expect(late.trace.span(1).layer == .poolWait && late.trace.span(1).failed)
            try await held.commit()
        }
    }
}
