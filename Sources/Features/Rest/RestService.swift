// SPDX-License-Identifier: Apache-2.0
package import LucarneCore
import QueryPlanner

/// What REST promises: a request, planned against the catalog, run in one transaction, answered.
package struct RestService: Sendable {
    private let repository: RestRepository

    package init(repository: RestRepository) {
        self.repository = repository
    }

    package func respond(
        to input: RestInput,
        under state: RestState,
        in context: RequestContext
    ) async throws(Problem) -> RestReply {
        switch input {
        case .planned(let read, let message, let values):
            try await perform(read, message, values, state, context)
        case .call(let call, let message, let values):
            try await perform(call, message, values, state, context)
        case .request(let request): try await respond(to: request, state, context)
        }
    }

    private func respond(
        to request: RestRequest,
        _ state: RestState,
        _ context: RequestContext
    ) async throws(Problem) -> RestReply {
        switch request.terms.action {
        case .read(let relation, _): try await read(relation, request, state, context)
        case .write(let relation, let write):
            try await self.write(relation, write, request, state, context)
        case .call(let function, _): try await call(function, request, state, context)
        case .describeSchema(let headersOnly, _):
            try await describe(headersOnly, request, state, context)
        case .relationOptions(let relation): try options(of: relation, request, state)
        case .functionOptions(let function): try functionOptions(function, request, state)
        case .schemaOptions: try schemaOptions(request)
        }
    }

    /// Planned for the next request of its shape as well, unless it is refused.
    private func read(
        _ relation: QualifiedName,
        _ request: RestRequest,
        _ state: RestState,
        _ context: RequestContext
    ) async throws(Problem) -> RestReply {
        let message = request.message
        let shape = QueryShape(message.query)
        let read = try accepted { () throws(RestRefusal) in
            try RestRead(relation, shape, request, state)
        }
        let reply = try await perform(read, message, shape.values, state, context)
        if let key = CacheKey(planOf: message, shape) { state.plans.insert(.read(read), for: key) }
        return reply
    }

    private func perform(
        _ plan: some PlannedRequest,
        _ message: RestMessage,
        _ values: QueryValues,
        _ state: RestState,
        _ context: RequestContext
    ) async throws(Problem) -> RestReply {
        let transaction = plan.transaction(for: context.identity, message, values, state)
        var answer =
            if let list = transaction.list {
                try await repository.list(list, of: transaction, in: context)
            } else {
                try await repository.perform(transaction, in: context)
            }
        plan.learn(from: answer)
        if let rest = plan.continuation(of: answer, transaction, values), let list = rest.list {
            answer = try await repository.list(list, of: rest, in: context)
        }
        return try plan.reply(to: answer, values)
    }

    private func write(
        _ relation: QualifiedName,
        _ write: RestAction.Write,
        _ request: RestRequest,
        _ state: RestState,
        _ context: RequestContext
    ) async throws(Problem) -> RestReply {
        let write = try accepted { () throws(RestRefusal) in
            try RestWrite(relation, write, request, state)
        }
        let transaction = write.transaction(for: context.identity)
        return try write.reply(to: try await repository.perform(transaction, in: context))
    }

    private func call(
        _ function: QualifiedName,
        _ request: RestRequest,
        _ state: RestState,
        _ context: RequestContext
    ) async throws(Problem) -> RestReply {
        let message = request.message
        let shape = QueryShape(message.query)
        let call = try accepted { () throws(RestRefusal) in
            try RestCall(function, shape, request, state)
        }
        let reply = try await perform(call, message, shape.values, state, context)
        if call.isShared, let key = CacheKey(planOf: message, shape) {
            state.plans.insert(.call(call), for: key)
        }
        return reply
    }

    private func describe(
        _ headersOnly: Bool,
        _ request: RestRequest,
        _ state: RestState,
        _ context: RequestContext
    ) async throws(Problem) -> RestReply {
        let description = try planned { () throws(PlannerFailure) in
            try RestDescription(request, state)
        }
        let transaction = description.transaction(for: context.identity)
        let answer = try await repository.perform(transaction, in: context)
        return description.reply(to: answer, isHeadersOnly: headersOnly)
    }

    private func schemaOptions(_ request: RestRequest) throws(Problem) -> RestReply {
        try planned { () throws(PlannerFailure) in try request.checkQuery() }
        return RestOptions.reply(allowing: RestOptions.schemaMethods)
    }

    private func options(
        of relation: QualifiedName,
        _ request: RestRequest,
        _ state: RestState
    ) throws(Problem) -> RestReply {
        try planned { () throws(PlannerFailure) in try request.checkQuery() }
        guard let table = state.catalog.table(relation) else {
            throw Problem(state.catalog.tableNotFound(relation))
        }
        return RestOptions.reply(allowing: RestOptions.methods(of: table))
    }

    private func functionOptions(
        _ function: QualifiedName,
        _ request: RestRequest,
        _ state: RestState
    ) throws(Problem) -> RestReply {
        let call = try accepted { () throws(RestRefusal) in
            try RestCall(function, QueryShape(request.message.query), request, state)
        }
        return RestOptions.reply(allowing: call.methods)
    }

    private func planned<Plan>(
        _ plan: () throws(PlannerFailure) -> Plan
    ) throws(Problem) -> Plan {
        do throws(PlannerFailure) { return try plan() } catch { throw Problem(error) }
    }

    private func accepted<Plan>(
        _ plan: () throws(RestRefusal) -> Plan
    ) throws(Problem) -> Plan {
        do throws(RestRefusal) { return try plan() } catch { throw error.problem }
    }
}
