// SPDX-License-Identifier: Apache-2.0
import EventLoop
import LucarneCore
import PostgresClient
import Telemetry

extension Database {
    /// Runs the read with others of the same settings that are there at the same moment: the
    /// settings are sent once, and the server is woken once, for all of them. Nil where the read
    /// has to be run by itself.
    func together(
        _ transaction: Transaction,
        on pool: Pool,
        in context: RequestContext
    ) async throws(PostgresFailure) -> [QueryResult]? {
        let groups = readGroups[pool.loop.index]
        let trace = context.trace
        let previous = trace.enter(.poolWait)
        let outcome: ReadGroup.Outcome
        if let group = groups.group(for: transaction) {
            outcome = unsafe await withUnsafeContinuation {
                unsafe group.join(transaction, context, from: previous, $0)
            }
        } else {
            let group = groups.begin(transaction, context, from: previous)
            await groups.gather(group, isMomentary: transaction.sharing?.isMomentary == true)
            outcome = await lead(group, on: pool, in: groups)
            groups.ended(group)
        }
        if outcome.isFailure { trace.leavePool(to: previous) }
        return try outcome.get()
    }

    /// Runs the group, tells its members, and returns what came of the first one.
    private func lead(
        _ group: ReadGroup,
        on pool: Pool,
        in groups: ReadGroups
    ) async -> ReadGroup.Outcome {
        do throws(PostgresFailure) {
            return try await pool.withSession(deadline: group.members[0].context.deadline) {
                // Until here others could join: nothing is lost by waiting together.
                groups.close(group)
                return await run(group, on: $0)
            }
        } catch {
            groups.close(group)
            return group.tell { _ in .failure(error) }
        }
    }

    /// What each member's statement took is what the transaction took: they are answered together.
    /// What a member then waits for its turn on the loop is no more PostgreSQL's.
    private func run(_ group: ReadGroup, on session: Session) async -> ReadGroup.Outcome {
        let first = group.members[0]
        let started = uptimeNanoseconds()
        for member in group.members { member.context.trace.move(to: .sql, at: started) }
        let answered: (results: [QueryResult], failure: ServerError?)
        do throws(PostgresFailure) {
            answered = try await session.answers(
                to: group.queries,
                deadline: first.context.deadline,
                cancellation: group.members.count == 1 ? first.context.cancellation : nil
            )
        } catch {
            let now = uptimeNanoseconds()
            let end: SQLEvent.TransactionOutcome = session.isUsable ? .rollback : .abandoned
            report(end)
            reportLookups(of: session)
            for (index, member) in group.members.enumerated() {
                member.transaction.sharing?.failed()
                // The others were not at fault, and reading again changes nothing.
                report(member, index == 0 ? .failure(error) : .success(nil), from: started, to: now)
            }
            return group.tell { $0 == 0 ? .failure(error) : .success(nil) }
        }
        let now = uptimeNanoseconds()
        report(answered.failure == nil ? .commit : .rollback)
        reportLookups(of: session)
        telemetry.report(.shared(reads: group.members.count - 1))
        let outcomes = group.outcomes(answered.results, answered.failure)
        for (index, outcome) in outcomes.enumerated() {
            let member = group.members[index]
            member.transaction.sharing?.took((now &- started) / UInt64(outcomes.count))
            if case .success(nil) = outcome { telemetry.report(.retried(.sharedTransaction)) }
            if outcome.isFailure { member.transaction.sharing?.failed() }
            report(member, outcome, from: started, to: now)
        }
        return group.tell { outcomes[$0] }
    }

    /// Who has to read again has no statement yet.
    private func report(
        _ member: ReadGroup.Member,
        _ outcome: ReadGroup.Outcome,
        from started: UInt64,
        to now: UInt64
    ) {
        let (transaction, trace) = (member.transaction, member.context.trace)
        let took = now &- started
        switch outcome {
        case .success(let results?):
            let rows = transaction.rowCount(of: results)
            ended(transaction, took, state: nil, rows: rows, in: trace)
        case .success(nil): break
        case .failure(let failure):
            ended(transaction, took, state: failure.stateForMetrics, rows: 0, in: trace)
        }
        trace.leave(to: member.previous, failed: outcome.isFailure, at: now)
    }
}

extension ReadGroup {
    fileprivate var queries: [Query] {
        var queries: [Query] = []
        queries.reserveCapacity(members.count + 1)
        queries.append(members[0].transaction.settings.query(readOnly: true))
        for member in members { queries.append(contentsOf: member.transaction.statements) }
        return queries
    }

    /// What each member gets: its results; the failure that it, or the settings of all, met; or
    /// nothing, when it was not run because of another one's failure or ran under what another left.
    fileprivate func outcomes(_ results: [QueryResult], _ failure: ServerError?) -> [Outcome] {
        let isGeneral = results.isEmpty || (failure != nil && results.count == queryCount)
        var position = 1
        var isBlamed = false
        var hasLeftovers = false
        return members.map { member in
            if isGeneral, let failure { return .failure(.server(failure)) }
            let end = position + member.transaction.statements.count
            defer { position = end }
            guard end <= results.count else {
                defer { isBlamed = true }
                guard let failure, !isBlamed else { return .success(nil) }
                return .failure(.server(failure))
            }
            let own = results[position..<end]
            guard let sharing = member.transaction.sharing, sharing.leavesSettings(own) else {
                return .success(Array(own))
            }
            // The first one set them; those behind it may only have seen them.
            guard !hasLeftovers else { return .success(nil) }
            hasLeftovers = true
            sharing.standAlone()
            return .success(Array(own))
        }
    }

    private var queryCount: Int { members.reduce(1) { $0 + $1.transaction.statements.count } }

    /// Tells all but the first, who is the caller.
    fileprivate func tell(_ outcome: (Int) -> Outcome) -> Outcome {
        for index in members.indices.dropFirst() {
            unsafe members[index].continuation?.resume(returning: outcome(index))
        }
        return outcome(0)
    }
}

extension Result {
    fileprivate var isFailure: Bool {
        if case .failure = self { true } else { false }
    }
}
