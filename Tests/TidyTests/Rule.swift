// SPDX-License-Identifier: Apache-2.0
import Testing

/// One rule of the house: a sentence, and what breaks it in a file, each with what to do instead.
struct Rule: Sendable, CustomTestStringConvertible {
    let name: String
    let findings: @Sendable (SourceFile) -> [String]

    var testDescription: String { name }

    static let all: [Rule] =
        layerRules + limitRules + banRules + [measuredAtTheDoors, featuresHoldNoTelemetry]
}

extension SourceFile {
    /// `path:line: what` for each line that `pattern` matches, as written or as code.
    func findings(_ pattern: Pattern, in text: KeyPath<SourceFile, [String]>) -> [String] {
        self[keyPath: text].enumerated().compactMap { index, line in
            pattern.matches(line) ? "\(path):\(index + 1): \(pattern.message)" : nil
        }
    }
}

/// A piece of text that may not stand in code, and its replacement.
struct Pattern: Sendable {
    let words: String
    let message: String

    init(_ words: String, _ message: String) {
        self.words = words
        self.message = "\(words) \(message)"
    }

    /// Whether the words occur and do not go on to the left as a longer name.
    func matches(_ line: String) -> Bool {
        var rest = line[...]
        while let range = rest.firstRange(of: words) {
            let before = line[..<range.lowerBound].last
            let after = line[range.upperBound...].first
            if !(words.first.isNamePart && before.isNamePart)
                && !(words.last.isNamePart && after.isNamePart)
            {
                return true
            }
            rest = rest[range.upperBound...]
        }
        return false
    }
}

extension Character? {
    fileprivate var isNamePart: Bool { map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false }
}
