// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The repository that this test was compiled from.
enum Repository {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .standardizedFileURL.path

    static func text(of path: String) -> String {
        (try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)) ?? ""
    }

    /// The files below a folder, by their path from the root.
    static func files(in folder: String) -> [String] {
        let found = FileManager.default.enumerator(atPath: "\(root)/\(folder)")
        return (found?.compactMap { $0 as? String } ?? []).sorted().map { "\(folder)/\($0)" }
    }

    static func swiftFiles(in folder: String) -> [String] {
        files(in: folder).filter { $0.hasSuffix(".swift") }
    }

    /// Texts by the name of the alert.
    static let runbooks = Dictionary(
        uniqueKeysWithValues: files(in: "docs/runbooks").map { path in
            (String(path.split(separator: "/").last?.dropLast(3) ?? ""), text(of: path))
        }
    )
}
