// SPDX-License-Identifier: Apache-2.0

/// The text of a Swift file without its comments and without what is between the quotes of its
/// strings; the number of lines stays.
struct CodeText {
    private(set) var lines: [String] = []
    private var line = ""
    private var rest: Substring

    init(_ text: String) {
        rest = text[...]
        while let character = rest.first {
            if rest.hasPrefix("//") {
                skipLine()
            } else if rest.hasPrefix("/*") {
                skipBlock()
            } else if let quote = openingQuote() {
                skipString(quote)
            } else {
                keep(character)
            }
        }
        lines.append(line)
    }

    private mutating func keep(_ character: Character) {
        rest.removeFirst()
        if character == "\n" { endLine() } else { line.append(character) }
    }

    private mutating func endLine() {
        lines.append(line)
        line = ""
    }

    private mutating func skipLine() {
        rest = rest.drop { $0 != "\n" }
    }

    private mutating func skipBlock() {
        while let character = rest.first, !rest.hasPrefix("*/") {
            rest.removeFirst()
            if character == "\n" { endLine() }
        }
        rest = rest.dropFirst(2)
    }

    /// `"`, `"""` or either behind any number of `#`.
    private func openingQuote() -> String? {
        let hashes = rest.prefix { $0 == "#" }
        let after = rest.dropFirst(hashes.count)
        guard after.first == "\"" else { return nil }
        return hashes + (after.hasPrefix("\"\"\"") ? "\"\"\"" : "\"")
    }

    private mutating func skipString(_ opening: String, quotes: String = "\"") {
        let closing = String(opening.reversed())
        let escapes = !opening.hasPrefix("#")
        rest = rest.dropFirst(opening.count)
        line += quotes
        while let character = rest.first, !rest.hasPrefix(closing) {
            // `\(` opens an interpolation, which can hold strings of its own.
            if escapes, rest.hasPrefix("\\(") {
                rest = rest.dropFirst(2)
                skipInterpolation()
            } else if escapes, character == "\\" {
                rest = rest.dropFirst(rest.dropFirst().first == "\n" ? 1 : 2)
            } else {
                rest.removeFirst()
                if character == "\n" { endLine() }
            }
        }
        rest = rest.dropFirst(closing.count)
        line += quotes
    }

    private mutating func skipInterpolation() {
        var depth = 1
        while let character = rest.first, depth > 0 {
            if let quote = openingQuote() {
                skipString(quote, quotes: "")
                continue
            }
            rest.removeFirst()
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == "\n" { endLine() }
        }
    }
}
