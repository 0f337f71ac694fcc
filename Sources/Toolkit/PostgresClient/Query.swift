// SPDX-License-Identifier: Apache-2.0

/// One statement and its parameters. The text is what prepared statements are cached by, so
/// values never go into it.
package struct Query: Sendable {
    package var sql: String
    package var parameters: Parameters
    /// Statements that never come again would only push others out of the cache.
    package var isPrepared: Bool
    /// Values come back in PostgreSQL's binary format, for those whose bytes are wanted as they are.
    package var wantsBinaryResult = false

    package init(_ sql: String, _ parameters: Parameters = .init(), isPrepared: Bool = true) {
        self.sql = sql
        self.parameters = parameters
        self.isPrepared = isPrepared
    }

    package init(_ sql: String, texts: [String?]) {
        self.init(sql, Parameters(texts))
    }
}
