// SPDX-License-Identifier: Apache-2.0

enum Limit {
    static let fileLines = 400
    static let functionLines = 60
    static let lineWidth = 100
}

/// What was over a limit when the limit came: `path` or `path: function`. The list may only
/// shrink, and an entry that is no longer needed fails.
let ratchet: Set<String> = [
    // Lists of metric families: one declaration after another.
    "Sources/Toolkit/Telemetry/Families/HTTPMetrics.swift: init",
    "Sources/Toolkit/Telemetry/Families/LogMetrics.swift: init",
]

let limitRules = [
    Rule(name: "a file has at most 400 code lines") { file in
        file.codeLineCount > Limit.fileLines && !ratchet.contains(file.path)
            ? ["\(file.path) has \(file.codeLineCount) code lines: split it by what it says"] : []
    },
    Rule(name: "a function has at most 60 code lines") { file in
        file.functions.filter {
            $0.codeLineCount > Limit.functionLines && !ratchet.contains("\(file.path): \($0.name)")
        }.map {
            "\(file.path):\($0.line): \($0.name) has \($0.codeLineCount) code lines: "
                + "keep the decisions, give the computing to functions"
        }
    },
    Rule(name: "a line of code has at most 100 columns") { file in
        file.code.enumerated().compactMap { index, line in
            line.count > Limit.lineWidth ? "\(file.path):\(index + 1): \(line.count) columns" : nil
        }
    },
    Rule(name: "every file says its licence in one line") { file in
        // SwiftPM wants its own line first.
        let line = file.lines.first?.hasPrefix("// swift-tools-version") == true ? 1 : 0
        guard file.lines.count > line,
            file.lines[line] == "// SPDX-License-Identifier: Apache-2.0"
        else { return ["\(file.path):\(line + 1): // SPDX-License-Identifier: Apache-2.0"] }
        return []
    },
]

/// A function's place and length.
struct FunctionExtent {
    let name: String
    let line: Int
    let codeLineCount: Int
}

extension SourceFile {
    /// The functions and initialisers, found by their indentation: `make check` formats first.
    var functions: [FunctionExtent] {
        code.indices.compactMap { start in
            guard let name = Self.declaredFunction(code[start]) else { return nil }
            let indent = code[start].prefix { $0 == " " }
            guard let opening = bodyStart(from: start, indent: indent),
                !code[opening].trimmed.hasSuffix("}")
            else { return nil }
            let end = code[(opening + 1)...].firstIndex { $0.hasPrefix("\(indent)}") }
            let body = code[start...(end ?? code.endIndex - 1)]
            return FunctionExtent(
                name: name,
                line: start + 1,
                codeLineCount: body.count(where: \.isCode)
            )
        }
    }

    /// The line of the declaration that ends in `{`, if it has a body.
    private func bodyStart(from start: Int, indent: Substring) -> Int? {
        for index in start..<code.endIndex {
            let line = code[index]
            if line.contains("{") { return index }
            let isDeeper = line.hasPrefix("\(indent) ")
            let continues = [")", "->", "where", "throws", "async"].contains {
                line.hasPrefix(indent + $0)
            }
            guard index == start || isDeeper || continues || !line.isCode else { return nil }
        }
        return nil
    }

    private static func declaredFunction(_ line: String) -> String? {
        let words = line.split { $0 == " " || $0 == "(" || $0 == "<" }.map(String.init)
        guard let index = words.firstIndex(where: { ["func", "init", "init?"].contains($0) }),
            words[..<index].allSatisfy({ $0.hasPrefix("@") || modifiers.contains($0) })
        else { return nil }
        return words[index] == "func" && index + 1 < words.count ? words[index + 1] : words[index]
    }
}

private let modifiers: Set<String> = [
    "public", "package", "internal", "fileprivate", "private", "static", "final", "override",
    "mutating", "nonisolated", "consuming", "borrowing", "convenience", "required", "class",
]

extension String {
    var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
