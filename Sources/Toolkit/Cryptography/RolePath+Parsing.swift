// SPDX-License-Identifier: Apache-2.0
internal import JSONCoding

/// A role path that cannot be read, and the character where that showed.
package struct RolePathFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let text: String
    package let offset: Int

    package var description: String {
        "cannot read the role path '\(text)' at character \(offset + 1)"
    }
}

extension RolePath {
    package init(parsing text: String) throws(RolePathFailure) {
        var reader = PathReader(text)
        if reader.peek == "$" { reader.advance() }
        steps = try reader.steps()
        guard reader.isAtEnd else { throw reader.failure }
    }
}

private struct PathReader {
    private let text: String
    private let characters: [Character]
    private var position = 0

    init(_ text: String) {
        self.text = text
        characters = Array(text)
    }

    var peek: Character? { position < characters.count ? characters[position] : nil }
    var isAtEnd: Bool { position == characters.count }
    var failure: RolePathFailure { RolePathFailure(text: text, offset: position) }

    mutating func advance() { position += 1 }

    mutating func steps() throws(RolePathFailure) -> [RolePath.Step] {
        var steps: [RolePath.Step] = []
        while true {
            if take(".") {
                steps.append(try dotted())
            } else if take("[") {
                steps.append(try bracketed())
            } else {
                return steps
            }
        }
    }

    private mutating func dotted() throws(RolePathFailure) -> RolePath.Step {
        if take("*") { return .every }
        if peek == "\"" { return .name(try quoted()) }
        let start = position
        while let character = peek,
            character.isLetter || character.isNumber || "_-$@".contains(character)
        { advance() }
        guard position > start else { throw failure }
        return .name(String(characters[start..<position]))
    }

    private mutating func bracketed() throws(RolePathFailure) -> RolePath.Step {
        skipSpace()
        let step = try selector()
        skipSpace()
        guard take("]") else { throw failure }
        return step
    }

    private mutating func selector() throws(RolePathFailure) -> RolePath.Step {
        if take("*") { return .every }
        if take("?") { return .filter(try filter()) }
        if peek == "\"" || peek == "'" { return .name(try quoted()) }
        let first = try integer()
        guard take(":") else {
            guard let first else { throw failure }
            return .index(first)
        }
        return .slice(from: first, to: try integer())
    }

    private mutating func filter() throws(RolePathFailure) -> RolePath.Filter {
        skipSpace()
        let isParenthesised = take("(")
        skipSpace()
        guard take("@") else { throw failure }
        let steps = try steps()
        skipSpace()
        let condition = try condition()
        skipSpace()
        if isParenthesised, !take(")") { throw failure }
        return RolePath.Filter(steps: steps, condition: condition)
    }

    private mutating func condition() throws(RolePathFailure) -> (
        comparison: RolePath.Filter.Comparison, literal: JSONValue
    )? {
        // The longer operators first: "==^" starts as "==" does.
        for comparison in [
            RolePath.Filter.Comparison.endsWith, .equal, .unequal, .startsWith, .contains,
        ] where take(comparison.rawValue) {
            skipSpace()
            return (comparison, try literal())
        }
        guard peek == ")" || peek == "]" else { throw failure }
        return nil
    }

    private mutating func literal() throws(RolePathFailure) -> JSONValue {
        if peek == "\"" || peek == "'" { return .string(try quoted()) }
        if take("true") { return true }
        if take("false") { return false }
        if take("null") { return nil }
        guard let number = try integer() else { throw failure }
        return .number(String(number))
    }

    private mutating func quoted() throws(RolePathFailure) -> String {
        let quote = peek
        advance()
        var result = ""
        while let character = peek, character != quote {
            advance()
            if character == "\\", let escaped = peek {
                advance()
                result.append(escaped)
            } else {
                result.append(character)
            }
        }
        guard peek == quote else { throw failure }
        advance()
        return result
    }

    private mutating func integer() throws(RolePathFailure) -> Int? {
        let start = position
        _ = take("-")
        while let character = peek, character.isWholeNumber { advance() }
        guard position > start else { return nil }
        guard let number = Int(String(characters[start..<position])) else { throw failure }
        return number
    }

    private mutating func take(_ word: String) -> Bool {
        guard characters[position...].starts(with: word) else { return false }
        position += word.count
        return true
    }

    private mutating func skipSpace() {
        while peek == " " { advance() }
    }
}
