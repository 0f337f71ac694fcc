// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import PostgresClient
import QueryPlanner
import Telemetry

/// A change to the rows of a relation, planned.
struct RestWrite {
    private let request: RestRequest
    private let write: RestAction.Write
    private let query: RequestQuery
    private let plan: MutationPlan
    private let output: Output
    private let state: RestState

    init(
        _ relation: QualifiedName,
        _ write: RestAction.Write,
        _ request: RestRequest,
        _ state: RestState
    ) throws(RestRefusal) {
        self.request = request
        self.state = state
        self.write = write
        do throws(PlannerFailure) {
            // Nothing is skipped in a write, but what is no range is still refused.
            let asked = try request.asked(by: request.message.query)
            if write == .upsert, asked.range != .all { throw .limitOnPut }
            query = asked.query
        } catch { throw .plan(error) }
        // What has to become JSON first is a lot to do for nothing.
        if [.csv, .urlEncoded].contains(request.terms.contentType),
            state.catalog.table(relation) == nil
        {
            throw .plan(state.catalog.tableNotFound(relation))
        }
        let body: WriteBody?
        do throws(Problem) {
            let payload = try RestPayload.read(request, hasColumns: query.columns != nil)
            body = payload?.written(query.columns)
        } catch { throw .problem(error) }
        do throws(PlannerFailure) {
            plan = try MutationPlan(
                MutationPlan.Kind(write),
                of: relation,
                query,
                body: body,
                MutationPlan.Options(request.terms.preferences),
                in: state.catalog,
                state.planner
            )
        } catch {
            var problem = Problem(error)
            // The columns that it names are not looked for in the body.
            if problem.part == .body, query.columns != nil { problem.part = .query }
            throw .problem(problem)
        }
        if let problem = request.terms.refusedPreferences { throw .problem(problem) }
        do throws(PlannerFailure) {
            output = try plan.output(
                accepting: request.terms.accepted,
                planEnabled: state.settings.planEnabled,
                in: state.catalog
            )
        } catch { throw .plan(error) }
    }

    func transaction(for identity: Identity) -> RestTransaction {
        var transaction = RestTransaction(request.terms, request.message, identity, state)
        transaction.statement = Query(plan.sql(output))
        transaction.isReadOnly = false
        let checks = RestChecks(request.terms, output)
        let check =
            switch write {
            case .insert: checks.singular
            case .update, .delete: checks.singularAndFew
            case .upsert: RestChecks.upserted
            }
        transaction.answers(as: output, isWrite: true, check)
        return transaction
    }

    func reply(to answer: RestAnswer) throws(Problem) -> RestReply {
        let builder = ReplyBuilder(
            request.terms,
            output,
            legacyTargets: plan.legacyTargets,
            state.settings
        )
        guard !output.isPlan else { return builder.plan(answer) }
        switch write {
        case .insert:
            let hasKey = state.catalog.table(plan.relation)?.primaryKey.isEmpty == false
            return try builder.insert(
                answer,
                into: plan.relation,
                resolvesConflicts: hasKey || query.conflictColumns != nil
            )
        case .update: return try builder.update(answer)
        case .delete: return try builder.delete(answer)
        case .upsert: return try builder.upsert(answer)
        }
    }
}

/// Why a request was not planned: the planner's reasons, and ours.
enum RestRefusal: Error {
    case plan(PlannerFailure)
    case problem(Problem)

    var problem: Problem {
        switch self {
        case .plan(let failure): Problem(failure)
        case .problem(let problem): problem
        }
    }
}

extension RestPayload {
    /// The body of a write and its columns; `columns` is what the query string says of them.
    fileprivate func written(_ columns: [String]?) -> WriteBody {
        switch self {
        case .json(let bytes, let keys): WriteBody(json: bytes, columns: keys)
        case .uncheckedJSON(let bytes): WriteBody(json: bytes, columns: Set(columns ?? []))
        case .form, .raw: WriteBody(json: [], columns: [])
        }
    }
}

extension MutationPlan.Kind {
    fileprivate init(_ write: RestAction.Write) {
        switch write {
        case .insert: self = .insert
        case .upsert: self = .put
        case .update: self = .update
        case .delete: self = .delete
        }
    }
}

extension MutationPlan.Options {
    fileprivate init(_ preferences: Preferences) {
        let representation: Representation =
            switch preferences.representation {
            case .full: .full
            case .headersOnly: .headersOnly
            case .minimal, nil: .minimal
            }
        let resolution: ConflictResolution? =
            switch preferences.resolution {
            case .mergeDuplicates: .merge
            case .ignoreDuplicates: .ignore
            case nil: nil
            }
        self.init(
            representation: representation,
            resolution: resolution,
            appliesDefaults: preferences.missing == .defaults
        )
    }
}
