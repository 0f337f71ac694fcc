// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The plans of slow statements, and the decision when to ask PostgreSQL for one.
///
/// Asked is for a statement's first slow run, for one that took twice as long as the fastest since
/// it was last asked for, and else after a minute; never two at a time, and so many a minute in
/// all.
package final class StatementPlans: Sendable {
    package enum Outcome: String, EventLabel { case ok, error, skipped }

    private struct Known {
        var askedAt: UInt64
        var nanoseconds: UInt64
        var captured: [CapturedPlan] = []
    }

    private struct State {
        var known: [String: Known] = [:]
        var isAsking = false
        var minuteBegan: UInt64 = 0
        var askedThisMinute = 0
    }

    private let perMinute: Int
    private let outcomes: [Counter]
    private let state = Mutex(State())

    /// Texts without values are few; somebody who sends values in them must not fill the memory.
    private static let statementsMax = 500
    private static let plansMax = 4
    private static let runsMax = 16
    private static let minute: UInt64 = 60_000_000_000

    init(perMinute: Int, _ registry: MetricRegistry) {
        self.perMinute = perMinute
        let outcomes = registry.counter(
            "lucarne_sql_plans_captured_total",
            "Plans asked for after a slow statement.",
            labels: [MetricLabel("result", Outcome.self)],
            layer: "sql"
        )
        self.outcomes = Outcome.allCases.map { outcomes($0.rawValue) }
    }

    /// Whether the run's plan is to be asked for; `captured` or `failed` has to follow then.
    package func shouldAsk(
        for query: String,
        nanoseconds: UInt64,
        run: CapturedPlan.Run,
        now: UInt64 = uptimeNanoseconds()
    ) -> Bool {
        guard perMinute > 0 else { return false }
        let decision: Bool? = state.withLock { state in
            if let known = state.known[query] {
                note(run, in: &state.known[query])
                let isDue = now &- known.askedAt >= Self.minute
                guard isDue || nanoseconds / 2 > known.nanoseconds else {
                    state.known[query]?.nanoseconds = min(known.nanoseconds, nanoseconds)
                    return nil
                }
            } else {
                guard state.known.count < Self.statementsMax else { return false }
            }
            if now &- state.minuteBegan >= Self.minute {
                state.minuteBegan = now
                state.askedThisMinute = 0
            }
            guard !state.isAsking, state.askedThisMinute < perMinute else { return false }
            state.isAsking = true
            state.askedThisMinute += 1
            let captured = state.known[query]?.captured ?? []
            state.known[query] = Known(askedAt: now, nanoseconds: nanoseconds, captured: captured)
            return true
        }
        if decision == false { outcomes[Outcome.skipped.position].add() }
        return decision ?? false
    }

    /// Files the plan. Returns the one the statement had before, where it is another.
    package func captured(
        _ plan: StatementPlan,
        of query: String,
        summary: String,
        run: CapturedPlan.Run
    ) -> StatementPlan? {
        outcomes[Outcome.ok.position].add()
        let wall = wallNanoseconds()
        return state.withLock { state in
            state.isAsking = false
            guard var known = state.known[query] else { return nil }
            defer { state.known[query] = known }
            let before = known.captured.last?.plan
            if let position = known.captured.firstIndex(where: { $0.plan.hash == plan.hash }) {
                var entry = known.captured.remove(at: position)
                entry.lastSeenWall = wall
                entry.nanoseconds = known.nanoseconds
                entry.plan = plan
                known.captured.append(entry)
            } else {
                known.captured.append(
                    CapturedPlan(
                        plan: plan,
                        query: query,
                        summary: summary,
                        firstSeenWall: wall,
                        lastSeenWall: wall,
                        nanoseconds: known.nanoseconds,
                        runs: []
                    )
                )
                known.captured = known.captured.suffix(Self.plansMax)
            }
            // The run was noted with the plan of before, when that was all that was known.
            for position in known.captured.indices {
                known.captured[position].runs.removeAll { $0 == run }
            }
            known.captured[known.captured.count - 1].runs.append(run)
            return before?.hash == plan.hash ? nil : before
        }
    }

    package func failed() {
        outcomes[Outcome.error.position].add()
        state.withLock { $0.isAsking = false }
    }

    /// By statement, the latest plan last.
    package var all: [CapturedPlan] {
        state.withLock { $0.known.values.flatMap(\.captured) }
            .sorted { $0.lastSeenWall < $1.lastSeenWall }
    }

    /// The plans of a trace's slow statements, each with its span.
    package func plans(of context: TraceContext) -> [(span: Int8, plan: StatementPlan)] {
        all.flatMap { captured in
            captured.runs.filter {
                $0.spanID == context.spanID && $0.traceIDLow == context.traceIDLow
                    && $0.traceIDHigh == context.traceIDHigh
            }.map { ($0.span, captured.plan) }
        }
    }

    private func note(_ run: CapturedPlan.Run, in known: inout Known?) {
        guard let last = known?.captured.indices.last else { return }
        var runs = known?.captured[last].runs ?? []
        runs.append(run)
        known?.captured[last].runs = runs.suffix(Self.runsMax)
    }
}
