// SPDX-License-Identifier: Apache-2.0

/// One statement and its parameters. The text is what prepared statements are cached by, so
/// values never go into it.
package struct Query: Sendable {
    /// A value for `$n`, in PostgreSQL's text format (protocol §55.2.3); its type is inferred.
    package enum Parameter: Equatable, Sendable {
        case null
        case text(String)
        /// UTF-8 text that is bytes already, such as a request's body.
        case bytes([UInt8])
        /// PostgreSQL's binary format: the server must infer a type with the same layout.
        case binary([UInt8])
    }

    package var sql: String
    package var parameters: [Parameter]
    /// Statements that never come again would only push others out of the cache.
    package var isPrepared: Bool
    /// Values come back in PostgreSQL's binary format, for those whose bytes are wanted as they are.
    package var wantsBinaryResult = false

    package init(_ sql: String, _ parameters: [Parameter] = [], isPrepared: Bool = true) {
        self.sql = sql
        self.parameters = parameters
        self.isPrepared = isPrepared
    }

    package init(_ sql: String, texts: [String?]) {
        self.init(sql, texts.map { $0.map(Parameter.text) ?? .null })
    }
}
