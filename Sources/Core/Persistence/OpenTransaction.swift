// SPDX-License-Identifier: Apache-2.0
import EventLoop
package import LucarneCore
package import PostgresClient
import Telemetry

/// A transaction that stays open from one statement to the next, for rows that are fetched as they
/// are wanted. Let go of before its end, it ends with its session.
///
/// `@unchecked Sendable`: used on its loop's thread only, by one task.
package final class OpenTransaction: @unchecked Sendable {
    package private(set) var results: [QueryResult] = []
    private let database: Database
    private let transaction: Transaction
    private let lease: Lease
    private let context: RequestContext
    /// What each statement may take, for the whole has no end that could be known.
    private let patience: UInt64
    /// What its exchanges took so far, and brought.
    private var nanoseconds: UInt64 = 0
    private var rows = 0
    /// Which of the request's spans its statement is noted in.
    private var span: Int8?
    private var isOver = false

    fileprivate init(
        _ transaction: Transaction,
        of database: Database,
        on lease: Lease,
        in context: RequestContext
    ) {
        self.transaction = transaction
        self.database = database
        self.lease = lease
        self.context = context
        patience = context.deadline &- context.trace.startedAt
    }

    // The request may be over, and its trace read by others.
    deinit { end(.abandoned, in: nil) }

    /// The first exchange. What was before it belongs to `poolWait`.
    fileprivate func begin(from previous: Layer) async throws(PostgresFailure) {
        let started = uptimeNanoseconds()
        context.trace.move(to: .sql, at: started)
        do throws(PostgresFailure) {
            try await measured(since: started, from: previous) { () throws(PostgresFailure) in
                defer { database.reportLookups(of: lease.session) }
                let outcome = try await database.run(transaction, on: lease.session, in: context)
                if case .success(let found) = outcome { results = found }
                rows = transaction.rowCount(of: results)
                span = database.opened(transaction, in: context.trace)
            }
        } catch {
            lease.end()
            throw error
        }
    }

    package func perform(_ query: Query) async throws(Problem) -> QueryResult {
        let started = uptimeNanoseconds()
        let previous = context.trace.enter(.sql, named: Layer.sql.label, at: started)
        do throws(PostgresFailure) {
            let found = try await measured(since: started, from: previous) {
                () throws(PostgresFailure) in
                try await lease.session.exchange(
                    [query],
                    deadline: uptime() &+ patience,
                    cancellation: context.cancellation
                )
            }
            rows += found[0].rowCount
            return found[0]
        } catch {
            lease.session.close()
            lease.end()
            throw Problem(error)
        }
    }

    package func commit() async throws(Problem) {
        _ = try await perform(.commit)
        end(.commit, in: context.trace)
        lease.end()
    }

    /// Gives it up, if it is not over, while its request is not over either.
    package func abandon() {
        guard !isOver else { return }
        end(.abandoned, in: context.trace)
        lease.session.close()
        lease.end()
    }

    /// One exchange, in a span of its own. A failure is the end.
    private func measured<Value>(
        since started: UInt64,
        from previous: Layer,
        _ exchange: () async throws(PostgresFailure) -> Value
    ) async throws(PostgresFailure) -> Value {
        do throws(PostgresFailure) {
            let value = try await exchange()
            let now = uptimeNanoseconds()
            nanoseconds &+= now &- started
            context.trace.leave(to: previous, failed: false, at: now)
            return value
        } catch {
            let now = uptimeNanoseconds()
            nanoseconds &+= now &- started
            let outcome: SQLEvent.TransactionOutcome =
                lease.session.isUsable ? .rollback : .abandoned
            end(outcome, error.stateForMetrics, in: context.trace)
            context.trace.leave(to: previous, failed: true, at: now)
            throw error
        }
    }

    /// All of it is one statement, which is told of once.
    private func end(
        _ outcome: SQLEvent.TransactionOutcome,
        _ state: String? = nil,
        in trace: RequestTrace?
    ) {
        guard !isOver else { return }
        isOver = true
        database.ended(transaction, nanoseconds, state: state, rows: rows, span: span, in: trace)
        database.report(outcome)
    }
}

extension Database {
    /// Runs the transaction's statements and leaves it open, on a session of its own.
    package func open(
        _ transaction: Transaction,
        in context: RequestContext
    ) async throws(Problem) -> OpenTransaction {
        let trace = context.trace
        let previous = trace.enter(.poolWait)
        do throws(PostgresFailure) {
            let lease = try await lend(in: context)
            let open = OpenTransaction(
                tellsTraces ? transaction.told(of: trace) : transaction,
                of: self,
                on: lease,
                in: context
            )
            try await open.begin(from: previous)
            return open
        } catch {
            trace.leavePool(to: previous)
            throw Problem(error)
        }
    }
}
