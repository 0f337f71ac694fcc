// SPDX-License-Identifier: Apache-2.0

/// The one row every statement of the dialect returns.
package struct RestAnswer: Sendable {
    /// All rows there are, where somebody wanted them counted.
    package var tableTotal: Int?
    /// As many as PostgreSQL expects there to be.
    package var plannedTotal: Int?
    /// Rows in this answer.
    package var pageTotal = 0
    /// `column=eq.value` of the key of the one row inserted.
    package var location: [String] = []
    package var body: RestReply.Body = .none
    /// What SQL set `response.headers` and `response.status` to.
    package var responseHeaders: String?
    package var responseStatus: String?
    /// Rows inserted rather than updated, where an upsert makes a difference.
    package var insertedCount: Int?
    /// Rows that a read left out because of what those before them weigh.
    package var leftOutCount = 0

    package init() {}
}
