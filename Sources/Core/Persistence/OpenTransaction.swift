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
    package let results: [QueryResult]
    private let lease: Lease
    private let context: RequestContext
    /// What each statement may take, for the whole has no end that could be known.
    private let patience: UInt64

    init(_ results: [QueryResult], _ lease: Lease, _ context: RequestContext) {
        self.results = results
        self.lease = lease
        self.context = context
        patience = context.deadline &- context.trace.startedAt
    }

    package func perform(_ query: Query) async throws(Problem) -> QueryResult {
        let previous = context.trace.enter(.sql)
        do throws(PostgresFailure) {
            let found = try await lease.session.exchange(
                [query],
                deadline: uptime() &+ patience,
                cancellation: context.cancellation
            )
            context.trace.leave(to: previous)
            return found[0]
        } catch {
            context.trace.leave(to: previous, failed: true)
            lease.session.close()
            lease.end()
            throw Problem(error)
        }
    }

    package func commit() async throws(Problem) {
        _ = try await perform(.commit)
        lease.end()
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
            do throws(PostgresFailure) {
                let results = try await begun(
                    transaction,
                    on: lease.session,
                    in: context,
                    from: previous
                )
                return OpenTransaction(results, lease, context)
            } catch {
                lease.end()
                throw error
            }
        } catch {
            trace.leavePool(to: previous)
            throw Problem(error)
        }
    }
}
