// SPDX-License-Identifier: Apache-2.0
import Foundation

/// What docs/runbooks says to do about an alert.
package struct Runbook: Sendable {
    /// The alert's.
    package let name: String
    package let text: String

    package static func all() throws -> [Runbook] {
        let folder = "docs/runbooks"
        let files = try FileManager.default.contentsOfDirectory(
            atPath: "\(Repository.root)/\(folder)"
        )
        return try files.sorted().map { file in
            Runbook(
                name: String(file.dropLast(3)),
                text: try Repository.text(of: "\(folder)/\(file)")
            )
        }
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

    private func blocks(_ language: String) -> [String] {
        text.split(separator: "```\(language)\n").dropFirst().compactMap { part in
            part.split(separator: "```").first.map(String.init)
        }
    }
}
