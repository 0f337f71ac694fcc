// SPDX-License-Identifier: Apache-2.0
import HTTPServer

extension RestReply {
    /// Embedded relations spoken of by a name that will one day not be understood any more
    /// (RFC 7234 §5.5: 299 is a persistent warning).
    static func warning(
        of targets: [(name: String, alias: String)],
        _ settings: RestSettings
    ) -> String? {
        guard settings.legacyTargetNames, !targets.isEmpty else { return nil }
        let renames = targets.map { "`\($0.name)` to `\($0.alias)`" }.joined(separator: ", ")
        let text =
            "Embedded resource was referenced by relation name even though it has an alias."
            + " This is deprecated and will stop working in a future release."
            + " Update \(renames) in query string filters, orders or limits."
        return "299 PostgRESTv\(RestVersion.dialect) \"\(text)\""
    }
}

/// The release of the dialect this follows.
enum RestVersion {
    static let dialect = "16.1"
}
