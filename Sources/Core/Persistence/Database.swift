// SPDX-License-Identifier: Apache-2.0
import EventLoop
package import LucarneCore
package import PostgresClient
package import Telemetry

/// The repositories' door to PostgreSQL: one pool a loop, and the only code that measures
/// statements.
package struct Database: Sendable {
    /// What came of one try: results, or the caller's own refusal of them.
    typealias Outcome = Result<[QueryResult], Problem>
    package typealias Acceptance = ([QueryResult]) throws(Problem) -> Void

    private let pools: [Pool]
    let readGroups: [ReadGroups]
    let telemetry: Telemetry
    private let explainer: StatementExplainer?
    let tellsTraces: Bool

    /// `pools[i]` belongs to loop `i`. With `tellsTraces`, `pg_stat_activity` shows each session
    /// under the trace id of the request that it works for.
    package init(
        pools: [Pool],
        telemetry: Telemetry,
        explainer: StatementExplainer? = nil,
        tellsTraces: Bool = false
    ) {
        self.pools = pools
        readGroups = pools.map { ReadGroups(on: $0.loop) }
        self.telemetry = telemetry
        self.explainer = explainer
        self.tellsTraces = tellsTraces
    }

    /// Runs the transaction in one round trip (two where its end depends on its results), under
    /// the settings it carries. Returns its statements' results.
    ///
    /// - Throws: what PostgreSQL refused, what `accept` refused, or why there is no database.
    package func perform(
        _ transaction: Transaction,
        in context: RequestContext,
        accept: Acceptance = { _ in }
    ) async throws(Problem) -> [QueryResult] {
        guard tellsTraces else { return try await carryOut(transaction, in: context, accept) }
        return try await carryOut(transaction.told(of: context.trace), in: context, accept)
    }

    private func carryOut(
        _ transaction: Transaction,
        in context: RequestContext,
        _ accept: Acceptance
    ) async throws(Problem) -> [QueryResult] {
        guard let pool = EventLoop.current.map({ pools[$0.index] }) else {
            throw Problem(.internalFailure, code: "XX000", "a statement must run on a loop")
        }
        let outcome: Outcome
        do throws(PostgresFailure) {
            if transaction.mayShare,
                let results = try await together(transaction, on: pool, in: context)
            {
                return results
            }
            outcome = try await attempt(transaction, on: pool, in: context, accept)
        } catch {
            guard uptime() < context.deadline, isWorthRetrying(error, transaction) else {
                throw Problem(error)
            }
            do throws(PostgresFailure) {
                outcome = try await attempt(transaction, on: pool, in: context, accept)
            } catch {
                throw Problem(error)
            }
        }
        return try outcome.get()
    }

    private func attempt(
        _ transaction: Transaction,
        on pool: Pool,
        in context: RequestContext,
        _ accept: Acceptance
    ) async throws(PostgresFailure) -> Outcome {
        let trace = context.trace
        let previous = trace.enter(.poolWait)
        do throws(PostgresFailure) {
            return try await pool.withSession(deadline: context.deadline) {
                session throws(PostgresFailure) in
                try await measured(transaction, on: session, in: context, from: previous, accept)
            }
        } catch {
            trace.leavePool(to: previous)
            throw error
        }
    }

    /// The statement's duration is that of its span, in which alone it is current: what is before
    /// belongs to `poolWait`, what is behind it to the layer that the trace came from.
    private func measured(
        _ transaction: Transaction,
        on session: Session,
        in context: RequestContext,
        from previous: Layer,
        _ accept: Acceptance
    ) async throws(PostgresFailure) -> Outcome {
        let trace = context.trace
        let started = uptimeNanoseconds()
        trace.move(to: .sql, at: started)
        func report(_ state: String?, _ rows: Int, _ outcome: SQLEvent.TransactionOutcome) {
            let now = uptimeNanoseconds()
            transaction.sharing?.took(now &- started)
            ended(transaction, now &- started, state: state, rows: rows, in: trace)
            trace.leave(to: previous, failed: state != nil, at: now)
            self.report(outcome)
            reportLookups(of: session)
        }
        do throws(PostgresFailure) {
            let outcome = try await run(transaction, on: session, in: context, accept)
            switch outcome {
            case .success(let results):
                report(nil, transaction.rowCount(of: results), transaction.outcome)
            case .failure: report(nil, 0, .rollback)
            }
            return outcome
        } catch {
            report(error.stateForMetrics, 0, session.isUsable ? .rollback : .abandoned)
            throw error
        }
    }

    func ended(
        _ transaction: Transaction,
        _ took: UInt64,
        state: String?,
        rows: Int,
        span: Int8? = nil,
        in trace: RequestTrace?
    ) {
        telemetry.statementEnded(
            transaction.summary,
            nanoseconds: took,
            rows: rows,
            sqlState: state,
            schema: transaction.schema,
            span: span,
            in: trace
        )
        guard let trace else { return }
        explainer?.ended(transaction, nanoseconds: took, span: span, in: trace)
    }

    /// For `open`: says which span the statement is noted in, for `ended`.
    func opened(_ transaction: Transaction, in trace: RequestTrace) -> Int8 {
        trace.schema = transaction.schema
        return telemetry.statementOpened(transaction.summary, in: trace)
    }

    func report(_ outcome: SQLEvent.TransactionOutcome) {
        telemetry.report(.transaction(outcome))
    }

    func reportLookups(of session: Session) {
        let (hits, misses, evictions) = session.lookups
        if hits > 0 { telemetry.report(.prepared(.hit, times: hits)) }
        if misses > 0 { telemetry.report(.prepared(.miss, times: misses)) }
        if evictions > 0 { telemetry.report(.prepared(.evicted, times: evictions)) }
    }

    func run(
        _ transaction: Transaction,
        on session: Session,
        in context: RequestContext,
        _ accept: Acceptance = { _ in }
    ) async throws(PostgresFailure) -> Outcome {
        let deadline = context.deadline
        do throws(PostgresFailure) {
            let all = try await session.exchange(
                transaction.opening,
                deadline: deadline,
                cancellation: context.cancellation
            )
            let results = Array(all[transaction.statementRange])
            guard transaction.isExplicit else { return .success(results) }
            var refusal: Problem?
            do throws(Problem) { try accept(results) } catch { refusal = error }
            if case .commitUnless = transaction.ending {
                let end = refusal == nil ? Query.commit : .rollback
                _ = try await session.exchange([end], deadline: deadline)
            }
            return refusal.map(Outcome.failure) ?? .success(results)
        } catch {
            // After an error inside BEGIN the block stays open until it is ended.
            if transaction.isExplicit, session.isUsable {
                do throws(PostgresFailure) {
                    let soon = uptime() &+ 1_000_000_000
                    _ = try await session.exchange([.rollback], deadline: soon)
                } catch { session.close() }
            }
            throw error
        }
    }

    func lend(in context: RequestContext) async throws(PostgresFailure) -> Lease {
        guard let pool = EventLoop.current.map({ pools[$0.index] }) else {
            throw .unavailable("a statement must run on a loop")
        }
        return try await pool.lend(deadline: context.deadline)
    }

    /// Only what has had no effect: a stale plan was refused before it ran, and reading again
    /// over a new connection changes nothing.
    private func isWorthRetrying(_ failure: PostgresFailure, _ transaction: Transaction) -> Bool {
        switch failure {
        case .server(let error): return error.isStalePlan
        case .connectionLost where transaction.access == .readOnly:
            telemetry.report(.retried(.connectionLost))
            return true
        default: return false
        }
    }
}

extension Transaction {
    /// At most 63 bytes are kept of an application's name (PostgreSQL §20.8.2): these are 40.
    func told(of trace: RequestTrace) -> Transaction {
        var transaction = self
        transaction.applicationName = "lucarne " + trace.context.traceIDText
        return transaction
    }

    fileprivate var outcome: SQLEvent.TransactionOutcome {
        if case .rollback = ending { .rollback } else { .commit }
    }
}

extension RequestTrace {
    /// No session came, and so no statement whose end would have been the span's.
    func leavePool(to previous: Layer) {
        if layer == .poolWait { leave(to: previous, failed: true) }
    }
}

extension PostgresFailure {
    var stateForMetrics: String {
        switch self {
        case .server(let error): error.sqlState
        case .deadlinePassed: "57014"
        default: "08006"
        }
    }
}
