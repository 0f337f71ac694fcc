// SPDX-License-Identifier: Apache-2.0

/// The declaration of one setting: everything that help, parsing and the report need to know.
package struct Setting: Sendable {
    /// What a value must look like.
    package enum Kind: Sendable, Equatable {
        case text
        case flag
        case integer(ClosedRange<Int>)
        /// `500ms`, `30s`, `5m`, `1h`; a bare number is seconds.
        case duration
        /// Above 0 and below 100.
        case percentage
        /// `64KiB`, `16MiB`; a bare number is bytes.
        case bytes
        case choice([String])
        /// Separated by commas.
        case list
        /// `host:port`, `[::1]:8080` or `unix:path`.
        case address
        /// A JSONPath into a token's claims.
        case rolePath
    }

    package let key: SettingKey
    package let kind: Kind
    /// Nil: unset. What that means stands in the help.
    package let standard: String?
    /// The default under a PostgREST file, where it is another one.
    package let inPostgREST: String??
    package let isSecret: Bool
    package let help: String

    init(
        _ key: SettingKey,
        _ kind: Kind,
        _ standard: String?,
        _ help: String,
        inPostgREST: String?? = nil,
        isSecret: Bool = false
    ) {
        self.key = key
        self.kind = kind
        self.standard = standard
        self.help = help
        self.inPostgREST = inPostgREST
        self.isSecret = isSecret
    }

    func fallback(likePostgREST: Bool) -> String? {
        guard likePostgREST, let inPostgREST else { return standard }
        return inPostgREST
    }

    /// The table, in the order of the help.
    package static let all = process + observation + logging + database + http + tokens + rest

    package static func of(_ key: SettingKey) -> Setting? { byKey[key] }

    private static let byKey = Dictionary(uniqueKeysWithValues: all.map { ($0.key, $0) })
}
