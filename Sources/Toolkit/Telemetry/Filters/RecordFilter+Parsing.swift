// SPDX-License-Identifier: Apache-2.0

/// Why a text is no filter.
package struct FilterFailure: Error, Equatable, CustomStringConvertible {
    package var expected: String
    /// Counted from 1.
    package var character: Int

    package var description: String { "expected \(expected) at character \(character)" }
}

extension RecordFilter {
    package init(parsing text: String) throws(FilterFailure) {
        var parser = FilterParser(try FilterToken.tokens(in: text), end: text.count + 1)
        self = try parser.parse()
    }
}

private struct FilterToken: Equatable {
    enum Kind: Equatable {
        case open, close
        case word(String)
        /// In quotes: never an operator's name.
        case quoted(String)
        case comparison(RecordFilter.Comparison)
    }

    var kind: Kind
    var character: Int

    /// Whoever needs more than this has misunderstood it.
    private static let charactersMax = 1_000

    static func tokens(in text: String) throws(FilterFailure) -> [FilterToken] {
        let characters = Array(text)
        guard characters.count <= charactersMax else {
            throw FilterFailure(
                expected: "at most \(charactersMax) characters",
                character: charactersMax + 1
            )
        }
        var tokens: [FilterToken] = []
        var index = 0
        while index < characters.count {
            let start = index
            guard !characters[index].isWhitespace else {
                index += 1
                continue
            }
            let kind = try next(in: characters, &index)
            tokens.append(FilterToken(kind: kind, character: start + 1))
        }
        return tokens
    }

    private static func next(
        in characters: [Character],
        _ index: inout Int
    ) throws(FilterFailure) -> Kind {
        switch characters[index] {
        case "(":
            index += 1
            return .open
        case ")":
            index += 1
            return .close
        case "\"": return .quoted(try quoted(in: characters, &index))
        default: break
        }
        let rest = characters[index...]
        if let comparison = RecordFilter.Comparison.allCases.first(where: {
            rest.starts(with: $0.rawValue)
        }) {
            index += comparison.rawValue.count
            return .comparison(comparison)
        }
        let word = rest.prefix { !$0.isWhitespace && !"()\"!<>=~".contains($0) }
        guard !word.isEmpty else {
            throw FilterFailure(expected: "a word", character: index + 1)
        }
        index += word.count
        return .word(String(word))
    }

    private static func quoted(
        in characters: [Character],
        _ index: inout Int
    ) throws(FilterFailure) -> String {
        var text = ""
        index += 1
        while index < characters.count {
            defer { index += 1 }
            switch characters[index] {
            case "\"": return text
            case "\\" where index + 1 < characters.count:
                index += 1
                text.append(characters[index])
            default: text.append(characters[index])
            }
        }
        throw FilterFailure(expected: "a closing quote", character: index + 1)
    }
}

/// By recursive descent, not too deep.
private struct FilterParser {
    private let tokens: [FilterToken]
    private let end: Int
    private var position = 0
    private var depth = 0
    private var comparisons = 0

    private static let depthMax = 32
    /// Each is made with every record.
    private static let comparisonsMax = 32

    init(_ tokens: [FilterToken], end: Int) {
        self.tokens = tokens
        self.end = end
    }

    mutating func parse() throws(FilterFailure) -> RecordFilter {
        guard !tokens.isEmpty else { return .everything }
        let filter = try alternatives()
        guard position == tokens.count else { throw failure("and, or, or the end") }
        return filter
    }

    private var kind: FilterToken.Kind? {
        position < tokens.count ? tokens[position].kind : nil
    }

    private func failure(_ expected: String) -> FilterFailure {
        let character = position < tokens.count ? tokens[position].character : end
        return FilterFailure(expected: expected, character: character)
    }

    private mutating func take(_ word: String) -> Bool {
        guard case .word(let found) = kind, found.lowercased() == word else { return false }
        position += 1
        return true
    }

    private mutating func alternatives() throws(FilterFailure) -> RecordFilter {
        var filters = [try conjunction()]
        while take("or") { filters.append(try conjunction()) }
        return filters.count == 1 ? filters[0] : .any(filters)
    }

    private mutating func conjunction() throws(FilterFailure) -> RecordFilter {
        var filters = [try term()]
        while true {
            guard take("and") || continues else { break }
            filters.append(try term())
        }
        return filters.count == 1 ? filters[0] : .all(filters)
    }

    /// Two terms beside each other are both meant.
    private var continues: Bool {
        switch kind {
        case nil, .close, .comparison: false
        case .word(let word): word.lowercased() != "or"
        case .open, .quoted: true
        }
    }

    private mutating func term() throws(FilterFailure) -> RecordFilter {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthMax else { throw failure("fewer parentheses") }
        if take("not") { return .not(try term()) }
        if kind != .open { comparisons += 1 }
        guard comparisons <= Self.comparisonsMax else {
            throw failure("at most \(Self.comparisonsMax) comparisons")
        }
        switch kind {
        case .open:
            position += 1
            let filter = try alternatives()
            guard kind == .close else { throw failure("a closing parenthesis") }
            position += 1
            return filter
        case .word(let word) where !["and", "or"].contains(word.lowercased()):
            position += 1
            guard case .comparison(let comparison) = kind else {
                return .words(Array(word.lowercased().utf8))
            }
            position += 1
            return try comparing(word, comparison)
        case .quoted(let words):
            position += 1
            return .words(Array(words.lowercased().utf8))
        case nil, .close, .comparison, .word: throw failure("a word")
        }
    }

    private mutating func comparing(
        _ name: String,
        _ comparison: RecordFilter.Comparison
    ) throws(FilterFailure) -> RecordFilter {
        let value: String
        switch kind {
        case .word(let text), .quoted(let text): value = text
        case nil, .open, .close, .comparison: throw failure("a value")
        }
        if name == "level", comparison != .contains {
            guard let level = LogLevel(label: value) else { throw failure("a level") }
            position += 1
            return .level(comparison, level)
        }
        position += 1
        return .field(RecordFilter.shortNames[name] ?? name, comparison, value)
    }
}
