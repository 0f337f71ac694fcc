// SPDX-License-Identifier: Apache-2.0
package import Foundation

/// The repository that this test was compiled from.
package enum Repository {
    package static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .standardizedFileURL.path

    /// Built beside this test: swift test builds every product. LUCARNE_TEST_BINARY names another,
    /// where it takes the released one to make enough noise.
    package static let binary =
        ProcessInfo.processInfo.environment["LUCARNE_TEST_BINARY"].map { URL(filePath: $0) }
        ?? URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "lucarne")

    package static func text(of path: String) throws -> String {
        try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }

    /// The files below a folder, by their path from the root.
    package static func files(in folder: String) -> [String] {
        let found = FileManager.default.enumerator(atPath: "\(root)/\(folder)")
        return (found?.compactMap { $0 as? String } ?? []).sorted().map { "\(folder)/\($0)" }
    }

    package static let python = root + "/.build/acceptance-venv/bin/python"
}
