// SPDX-License-Identifier: Apache-2.0

/// What an expression asks for: enough of PromQL's grammar to find names and labels in it.
package struct PromQLReading: Sendable {
    package struct Selector: Sendable, Equatable {
        package var name: String
        package var labels: [String] = []
        /// Over a range: `[5m]`.
        package var isRange = false
    }

    package private(set) var selectors: [Selector] = []
    /// Labels of `by`, `on` and their kin.
    package private(set) var groupings: [String] = []

    private var rest: Substring

    private static let clauses: Set = [
        "by", "without", "on", "ignoring", "group_left", "group_right",
    ]
    private static let words: Set = ["and", "or", "unless", "bool", "offset", "inf", "nan"]

    package init(_ expression: String) {
        rest = expression[...]
        while let character = rest.first {
            switch character {
            case "\"", "'", "`": skipText()
            case "{": matchers(of: "")
            case "[": skip(past: "]")
            case _ where character.isNumber: skipNumber()
            case _ where Self.isName(character): name()
            case "$": skipVariable()
            default: rest.removeFirst()
            }
        }
        rest = ""
    }

    private mutating func name() {
        let word = takeName()
        skipSpaces()
        let isAggregation = ["by", "without"].contains(String(rest.prefix(while: Self.isName)))
        if Self.clauses.contains(word), rest.first == "(" {
            groupings += takeList()
        } else if Self.words.contains(word.lowercased()) || rest.first == "(" || isAggregation {
            return
        } else if rest.first == "{" {
            matchers(of: word)
        } else if !Self.clauses.contains(word) {
            selectors.append(Selector(name: word, isRange: takeRange()))
        }
    }

    /// `{a="b",c=~"d"}`, and the range behind it.
    private mutating func matchers(of name: String) {
        var labels: [String] = []
        rest.removeFirst()
        while let character = rest.first, character != "}" {
            if Self.isName(character) {
                labels.append(takeName())
            } else if character == "\"" {
                skipText()
            } else {
                rest.removeFirst()
            }
        }
        rest = rest.dropFirst()
        selectors.append(Selector(name: name, labels: labels, isRange: takeRange()))
    }

    private mutating func takeList() -> [String] {
        let list = rest.dropFirst().prefix { $0 != ")" }
        rest = rest.dropFirst(list.count + 2)
        return list.split(separator: ",").map { $0.filter { $0 != " " } }
    }

    private mutating func takeRange() -> Bool {
        skipSpaces()
        guard rest.first == "[" else { return false }
        skip(past: "]")
        return true
    }

    private mutating func takeName() -> String {
        let word = rest.prefix(while: Self.isName)
        rest = rest.dropFirst(word.count)
        return String(word)
    }

    private mutating func skipText() {
        let quote = rest.removeFirst()
        while let character = rest.popFirst(), character != quote {
            if character == "\\" { rest = rest.dropFirst() }
        }
    }

    private mutating func skip(past end: Character) {
        rest = rest.drop { $0 != end }.dropFirst()
    }

    /// Numbers and durations: `0.001`, `1h30m`.
    private mutating func skipNumber() {
        rest = rest.drop { $0.isNumber || $0.isLetter || $0 == "." }
    }

    private mutating func skipVariable() {
        rest = rest.dropFirst().drop(while: Self.isName)
    }

    private mutating func skipSpaces() { rest = rest.drop(while: \.isWhitespace) }

    private static func isName(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "_:".contains(character))
    }
}
