// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import PostgresClient
import QueryPlanner

/// A call of a function, planned.
struct RestCall {
    private let request: RestRequest
    private let plan: CallPlan
    private let output: Output
    private let state: RestState
    private let isHeadersOnly: Bool

    init(
        _ name: QualifiedName,
        _ request: RestRequest,
        _ state: RestState
    ) throws(RestRefusal) {
        self.request = request
        self.state = state
        isHeadersOnly = request.terms.action.isHeadersOnly
        let isRead = request.terms.action.isFunctionRead
        let query: RequestQuery
        let range: RowRange
        do throws(PlannerFailure) {
            query = try RequestQuery(
                parsing: request.message.query,
                isCall: isRead,
                ignoring: ["apikey"]
            )
            range = try RowRange.topLevel(of: query, rangeHeader: request.message.rangeHeader)
        } catch { throw .plan(error) }
        let payload: RestPayload?
        do throws(Problem) {
            payload = try RestPayload.read(request, hasColumns: query.columns != nil)
        } catch { throw .problem(error) }
        let agreed: Output
        do throws(PlannerFailure) {
            plan = try CallPlan(
                of: name,
                payload?.arguments(query.columns) ?? .named(query.arguments),
                contentType: isRead ? nil : request.terms.contentType,
                query,
                range: range,
                in: state.catalog,
                state.planner
            )
            agreed = try plan.output(
                accepting: request.terms.accepted,
                planEnabled: state.settings.planEnabled,
                in: state.catalog
            )
        } catch { throw .plan(error) }
        output = isHeadersOnly ? agreed.withoutBody : agreed
        if let problem = request.terms.refusedPreferences { throw .problem(problem) }
        let preferences = request.terms.preferences
        if preferences.handling == .strict, preferences.affectedMax != nil,
            !plan.routine.returnsSet
        {
            throw .problem(.affectedMaxOnSingle)
        }
    }

    /// What may be done with the function that the arguments choose.
    var methods: [String] { RestOptions.methods(of: plan.routine) }

    func transaction(for identity: Identity) -> RestTransaction {
        var transaction = RestTransaction(
            request.terms,
            request.message,
            identity,
            state,
            routine: plan.routine
        )
        transaction.statement = Query(
            plan.sql(output, count: request.terms.preferences.count.map(RowCount.init))
        )
        transaction.isReadOnly = plan.isReadOnly
        transaction.statement.wantsBinaryResult = output.isBinary
        guard !output.isPlan else {
            transaction.shape = .plan
            return transaction
        }
        transaction.check = RestChecks(request.terms, output).singularAndFew
        return transaction
    }

    func reply(to answer: RestAnswer) throws(Problem) -> RestReply {
        let builder = ReplyBuilder(request.terms, output, offset: plan.range.offset, state.settings)
        guard !output.isPlan else { return builder.plan(answer) }
        var reply = try builder.call(
            answer,
            returnsVoid: plan.routine.returnsVoid,
            headersOnly: isHeadersOnly
        )
        reply.warn(of: plan.legacyTargets, state.settings)
        return reply
    }
}

extension RestPayload {
    fileprivate func arguments(_ columns: [String]?) -> CallArguments {
        switch self {
        case .json(let bytes, let keys): .json(bytes, keys: keys)
        case .uncheckedJSON(let bytes): .json(bytes, keys: Set(columns ?? []))
        case .form(let fields): .named(fields.map { ($0.name, $0.value) })
        case .raw(let bytes): .raw(bytes)
        }
    }
}
