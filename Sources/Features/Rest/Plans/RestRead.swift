// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import QueryPlanner

/// Rows of a relation, planned.
struct RestRead {
    private let request: RestRequest
    private let query: RequestQuery
    private let plan: ReadPlan
    private let output: Output
    private let state: RestState
    private let isHeadersOnly: Bool

    init(
        _ relation: QualifiedName,
        _ request: RestRequest,
        _ state: RestState
    ) throws(PlannerFailure) {
        self.request = request
        self.state = state
        isHeadersOnly = request.action.isHeadersOnly
        query = try RequestQuery(parsing: request.message.query.utf8, ignoring: ["apikey"])
        let range = try RowRange.topLevel(of: query, rangeHeader: request.rangeHeader)
        plan = try ReadPlan(of: relation, query, range: range, in: state.catalog, state.planner)
        let agreed = try state.catalog.output(
            accepting: request.accepted,
            for: relation,
            selectsWholeRow: plan.selectsWholeRow,
            planEnabled: state.settings.planEnabled
        )
        output = isHeadersOnly ? agreed.withoutBody : agreed
    }

    func transaction(for identity: Identity) -> RestTransaction {
        let count = request.preferences.count
        var transaction = RestTransaction(request, identity, state)
        transaction.statement = plan.sql(output, count: count.map(RowCount.init))
        transaction.isBinary = output.isBinary
        guard !output.isPlan else {
            transaction.shape = .plan
            return transaction
        }
        transaction.countPlan = count == .planned || count == .estimated ? plan.countPlanSQL() : nil
        transaction.check = RestChecks(request, output).singular
        return transaction
    }

    func reply(to answer: RestAnswer) throws(Problem) -> RestReply {
        let builder = ReplyBuilder(request, output, offset: plan.range.offset, state.settings)
        guard !output.isPlan else { return builder.plan(answer) }
        var answer = answer
        answer.tableTotal = total(answer)
        var reply = try builder.read(
            answer,
            of: plan.relation,
            canonicalQuery: query.canonicalText,
            headersOnly: isHeadersOnly
        )
        reply.warn(of: plan.legacyTargets, state.settings)
        return reply
    }

    private func total(_ answer: RestAnswer) -> Int? {
        switch request.preferences.count {
        case .exact, nil: return answer.tableTotal
        case .planned: return answer.plannedTotal
        case .estimated:
            // Counting stopped one row after the most that is ever shown: from there on PostgreSQL's
            // estimate is all there is.
            guard let counted = answer.tableTotal, let planned = answer.plannedTotal,
                state.settings.rowsMax.map({ counted > $0 }) ?? true
            else { return answer.tableTotal }
            return max(counted, planned)
        }
    }
}

extension RowCount {
    init(_ preference: Preferences.Count) {
        switch preference {
        case .exact: self = .exact
        case .planned: self = .planned
        case .estimated: self = .estimated
        }
    }
}
