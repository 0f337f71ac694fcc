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

    package init(_ sql: String, _ parameters: [Parameter] = [], isPrepared: Bool = true) {
        self.sql = sql
        self.parameters = parameters
        self.isPrepared = isPrepared
    }

    package init(_ sql: String, texts: [String?]) {
        self.init(sql, texts.map { $0.map(Parameter.text) ?? .null })
    }

    /// Text parameters are C strings to libpq, so a NUL would cut them short: refused, in the
    /// server's own words, before anything is sent.
    func refuseNUL() throws(PostgresFailure) {
        for parameter in parameters {
            let hasNUL =
                switch parameter {
                case .null, .binary: false
                case .text(let text): text.utf8.contains(0)
                case .bytes(let bytes): bytes.contains(0)
                }
            guard hasNUL else { continue }
            throw .server(
                ServerError(
                    sqlState: "22021",
                    message: "invalid byte sequence for encoding \"UTF8\": 0x00"
                )
            )
        }
    }
}
