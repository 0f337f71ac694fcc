// SPDX-License-Identifier: Apache-2.0
package import LucarneCore
package import QueryPlanner

/// What a message was found to be: of a shape that has been planned already, or a request still to
/// be planned.
package enum RestInput: Sendable {
    case planned(RestRead, RestMessage, QueryValues)
    case call(RestCall, RestMessage, QueryValues)
    case request(RestRequest)

    package init(_ message: RestMessage, under state: RestState) throws(Problem) {
        let shape = QueryShape(message.query)
        let key = CacheKey(planOf: message, shape)
        switch key.flatMap(state.plans.find) {
        case .read(let read): self = .planned(read, message, shape.values)
        case .call(let call): self = .call(call, message, shape.values)
        case nil: self = .request(try RestRequest(message, state.settings))
        }
    }
}
