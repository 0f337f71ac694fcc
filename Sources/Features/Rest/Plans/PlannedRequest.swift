// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import LucarneCore
import QueryPlanner

/// A read or a call that means something, for all requests that differ in values only: what it does
/// to the database, and what the answer to that becomes.
protocol PlannedRequest: Sendable {
    /// With a `list`, its rows are wanted one by one from the beginning.
    func transaction(
        for identity: Identity,
        _ message: RestMessage,
        _ values: QueryValues,
        _ state: RestState
    ) -> RestTransaction

    /// What the answer weighs, for those who ask next.
    func learn(from answer: RestAnswer)

    /// How to have all rows where `answer` was cut short; nil where it is whole.
    func continuation(
        of answer: RestAnswer,
        _ transaction: RestTransaction,
        _ values: QueryValues
    ) -> RestTransaction?

    func reply(
        to answer: RestAnswer,
        _ values: QueryValues
    ) throws(Problem) -> RestReply
}

extension PlannedRequest {
    func continuation(
        of answer: RestAnswer,
        _ transaction: RestTransaction,
        _ values: QueryValues
    ) -> RestTransaction? {
        nil
    }
}
