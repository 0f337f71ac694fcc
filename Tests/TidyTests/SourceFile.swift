// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A Swift file as the rules see it: as written, and with strings and comments blanked, so that
/// a rule about code cannot be broken by a word in a sentence.
struct SourceFile: Sendable {
    let path: String
    let lines: [String]
    let code: [String]

    var name: String { String(path.split(separator: "/").last ?? "") }

    init(path: String, text: String) {
        self.path = path
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        code = CodeText(text).lines
    }

    /// Lines that hold code: a limit must not reward deleting a comment.
    var codeLineCount: Int { code.count(where: \.isCode) }

    /// The modules that the file imports, in the order of its lines.
    var imports: [String] {
        code.compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard let index = words.firstIndex(of: "import"), index + 1 < words.count else {
                return nil
            }
            let modifiers = words[..<index]
            guard modifiers.allSatisfy({ $0.hasPrefix("@") || accessLevels.contains($0) }) else {
                return nil
            }
            return words.last?.split(separator: ".").first.map(String.init)
        }
    }

    /// `Toolkit` and `Telemetry` of `Sources/Toolkit/Telemetry/Clock.swift`.
    var group: String? { component(1) }
    var module: String? { component(2) }

    private func component(_ index: Int) -> String? {
        let parts = path.split(separator: "/").map(String.init)
        return parts.first == "Sources" && parts.count > index + 1 ? parts[index] : nil
    }
}

private let accessLevels: Set<String> = ["public", "package", "internal", "fileprivate", "private"]

extension String {
    var isCode: Bool { contains { !$0.isWhitespace } }
}

/// The repository that this test was compiled from.
enum Repository {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Every Swift file of the package, by the path from its root.
    static let files: [SourceFile] = ["Sources", "Tests"].flatMap(files(in:)) + [packageManifest]

    private static var packageManifest: SourceFile {
        SourceFile(path: "Package.swift", text: text(of: "Package.swift"))
    }

    static func text(of path: String) -> String {
        (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
    }

    private static func files(in folder: String) -> [SourceFile] {
        let base = root.appending(path: folder).standardizedFileURL.path
        let found = FileManager.default.enumerator(atPath: base)?.compactMap { $0 as? String }
        return (found ?? []).filter { $0.hasSuffix(".swift") }.sorted().map {
            SourceFile(path: "\(folder)/\($0)", text: text(of: "\(folder)/\($0)"))
        }
    }
}
