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
        let key = RestPlanKey(message, shape)
        if let key, let read = state.reads.find(key) {
            self = .planned(read, message, shape.values)
        } else if let key, let call = state.calls.find(key) {
            self = .call(call, message, shape.values)
        } else {
            self = .request(try RestRequest(message, state.settings))
        }
    }
}
