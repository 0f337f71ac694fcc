// SPDX-License-Identifier: Apache-2.0

/// What docs/runbooks says to do about an alert.
package struct Runbook: Sendable {
    /// The alert's.
    package let name: String
    package let text: String

    package static func all() throws -> [Runbook] {
        try Repository.files(in: folder).filter { $0 != preparation }.map(Runbook.init)
    }

    /// What is done before the commands of any of them.
    package static func prepared() throws -> Runbook { try Runbook(path: preparation) }

    private static let folder = "docs/runbooks"
    private static let preparation = "\(folder)/README.md"

    private init(path: String) throws {
        name = String(path.dropFirst(Self.folder.count + 1).dropLast(".md".count))
        text = try Repository.text(of: path)
    }

    /// Lines of shell, without the remarks.
    package var commands: [String] {
        blocks("sh").flatMap { $0.split(separator: "\n").map(String.init) }
            .filter { !$0.hasPrefix("#") }
    }

    /// Expressions; a line that begins with a space goes on with the one before.
    package var queries: [String] {
        blocks("promql").flatMap { block in
            block.replacing("\n ", with: " ").split(separator: "\n").map(String.init)
        }
    }

    package func blocks(_ language: String) -> [String] {
        text.split(separator: "```\(language)\n").dropFirst().compactMap { part in
            part.split(separator: "```").first.map(String.init)
        }
    }
}
