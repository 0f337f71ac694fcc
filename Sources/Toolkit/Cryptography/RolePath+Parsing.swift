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
        var reader = RolePathReader(text)
        segments = reader.take("$") ? try reader.segments() : try reader.olderSegments()
        guard reader.isAtEnd, !text.isEmpty else { throw reader.failure }
    }
}

/// Reads by descending; what it takes, it has recognised by what it starts with.
struct RolePathReader {
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

    mutating func take(_ word: String) -> Bool {
        guard characters[position...].starts(with: word) else { return false }
        position += word.count
        return true
    }

    mutating func expect(_ word: String) throws(RolePathFailure) {
        guard take(word) else { throw failure }
    }

    mutating func skipSpace() {
        while let next = peek, " \n\r\t".contains(next) { advance() }
    }

    /// Blanks may stand before a segment, not at the end.
    mutating func segments() throws(RolePathFailure) -> [RolePath.Segment] {
        var segments: [RolePath.Segment] = []
        while true {
            let start = position
            skipSpace()
            let isDeep = take("..")
            if take("[") {
                segments.append(RolePath.Segment(selectors: try bracketed(), isDeep: isDeep))
            } else if isDeep || take(".") {
                segments.append(RolePath.Segment(selectors: [try dotted()], isDeep: isDeep))
            } else {
                position = start
                return segments
            }
        }
    }

    private mutating func dotted() throws(RolePathFailure) -> RolePath.Selector {
        if take("*") { return .every }
        guard peek?.isNumber == false else { throw failure }
        return .name(try word { $0.isLetter || $0.isNumber || $0 == "_" || !$0.isASCII })
    }

    private mutating func word(
        _ belongs: (Character) -> Bool
    ) throws(RolePathFailure) -> String {
        let start = position
        while let character = peek, belongs(character) { advance() }
        guard position > start else { throw failure }
        return String(characters[start..<position])
    }

    private mutating func bracketed() throws(RolePathFailure) -> [RolePath.Selector] {
        var selectors: [RolePath.Selector] = []
        repeat {
            skipSpace()
            selectors.append(try selector())
            skipSpace()
        } while take(",")
        try expect("]")
        return selectors
    }

    private mutating func selector() throws(RolePathFailure) -> RolePath.Selector {
        if take("*") { return .every }
        if take("?") { return .filter(try condition()) }
        if peek == "\"" || peek == "'" { return .name(try quoted()) }
        let from = try integer()
        skipSpace()
        guard take(":") else {
            guard let from else { throw failure }
            return .index(from)
        }
        skipSpace()
        let to = try integer()
        skipSpace()
        guard take(":") else { return .slice(from: from, to: to, step: 1) }
        skipSpace()
        return .slice(from: from, to: to, step: try integer() ?? 1)
    }

    mutating func quoted() throws(RolePathFailure) -> String {
        let quote = peek
        advance()
        var result = ""
        while let character = peek, character != quote {
            advance()
            result.append(character == "\\" ? try escaped() : character)
        }
        guard peek == quote else { throw failure }
        advance()
        return result
    }

    private static let escapes: [Character: Character] = [
        "b": "\u{8}", "f": "\u{C}", "n": "\n", "r": "\r", "t": "\t", "/": "/", "\\": "\\",
        "'": "'", "\"": "\"",
    ]

    private mutating func escaped() throws(RolePathFailure) -> Character {
        guard let letter = peek else { throw failure }
        advance()
        if let character = Self.escapes[letter] { return character }
        guard letter == "u" else { throw failure }
        var code = try hexadecimal()
        if (0xD800...0xDBFF).contains(code) {
            try expect("\\u")
            let low = try hexadecimal()
            guard (0xDC00...0xDFFF).contains(low) else { throw failure }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure }
        return Character(scalar)
    }

    private mutating func hexadecimal() throws(RolePathFailure) -> UInt32 {
        let digits = characters[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy(\.isHexDigit),
            let code = UInt32(String(digits), radix: 16)
        else { throw failure }
        position += 4
        return code
    }

    mutating func integer() throws(RolePathFailure) -> Int? {
        let start = position
        _ = take("-")
        while let character = peek, character.isASCII, character.isWholeNumber { advance() }
        guard position > start else { return nil }
        guard let number = Int(String(characters[start..<position])) else { throw failure }
        return number
    }

    /// `1`, `-1.5`, `1e3`.
    mutating func number() -> String? {
        let start = position
        while let next = peek, next.isASCII, next.isNumber || "+-.eE".contains(next) { advance() }
        let text = String(characters[start..<position])
        if Double(text) == nil { position = start }
        return Double(text) == nil ? nil : text
    }
}

extension RolePathReader {
    /// `.name`, `."any name"`, `[0]`, and at the end `[?(@ == "text")]`.
    fileprivate mutating func olderSegments() throws(RolePathFailure) -> [RolePath.Segment] {
        var segments: [RolePath.Segment] = []
        while !isAtEnd { segments.append(RolePath.Segment(selectors: [try olderSelector()])) }
        return segments
    }

    private mutating func olderSelector() throws(RolePathFailure) -> RolePath.Selector {
        if take(".") {
            if peek == "\"" { return .name(try plainQuoted()) }
            return .name(try word { $0.isLetter || $0.isNumber || "_$@".contains($0) })
        }
        if take("[?(@") {
            skipSpace()
            guard
                let comparison = RolePath.TextComparison.allCases.first(where: { take($0.rawValue) }
                )
            else { throw failure }
            skipSpace()
            let condition = RolePath.Condition.text(comparison, try plainQuoted())
            try expect(")]")
            guard isAtEnd else { throw failure }
            return .filter(condition)
        }
        try expect("[")
        guard let index = try integer(), index >= 0 else { throw failure }
        try expect("]")
        return .index(index)
    }

    private mutating func plainQuoted() throws(RolePathFailure) -> String {
        try expect("\"")
        var result = ""
        while let character = peek, character != "\"" {
            result.append(character)
            advance()
        }
        try expect("\"")
        return result
    }
}
