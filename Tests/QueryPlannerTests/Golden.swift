// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import QueryPlanner

/// One entry of a golden file: a request, and the statement that it becomes.
///
/// ```
/// POST /planets?columns=name | return=representation | {"name":"Mars"}
/// INSERT INTO …
/// $ {"name":"Mars"}
/// ```
/// Preferences and body may be left out. A line with `$` for each value; entries end at a blank
/// line.
struct Golden: CustomTestStringConvertible, Sendable {
    let request: String
    let text: String
    let values: [String]

    var testDescription: String { request }

    static func read(_ name: String) -> [Golden] {
        let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let file = directory.appendingPathComponent("Goldens/\(name).txt")
        guard let content = try? String(contentsOf: file, encoding: .utf8) else { return [] }
        return content.components(separatedBy: "\n\n").compactMap { entry in
            let lines = entry.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
            guard lines.count >= 2 else { return nil }
            return Golden(
                request: lines[0],
                text: lines[1],
                values: lines.dropFirst(2).map { String($0.dropFirst(2)) }
            )
        }
    }
}
