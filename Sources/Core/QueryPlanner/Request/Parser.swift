// SPDX-License-Identifier: Apache-2.0

/// A recursive-descent parser over the decoded bytes of one parameter.
///
/// A rule answers nil when it fails; if `position` has moved by then, it had begun to match and no
/// alternative is tried, unless it ran in `attempt`. Errors are only recorded on the second run,
/// which happens when the first one failed: the common case pays nothing for good messages.
struct Parser {
    let bytes: [UInt8]
    var position = 0
    var error = ParseError()
    var depth = 0
    let records: Bool

    /// Deeper nesting is refused rather than followed down the stack.
    static let depthMax = 64

    init(_ bytes: [UInt8], records: Bool = false) {
        self.bytes = bytes
        self.records = records
    }

    /// Runs `rule` over `text`; `subject` is how an error names what was parsed.
    static func parse<Value>(
        _ text: [UInt8],
        as subject: @autoclosure () -> String,
        _ rule: (inout Parser) -> Value?
    ) throws(PlannerFailure) -> Value {
        var parser = Parser(text)
        if let value = rule(&parser) { return value }
        parser = Parser(text, records: true)
        _ = rule(&parser)
        let place = parser.place(of: parser.error.position)
        throw .malformed(
            "\"\(subject())\" (line \(place.line), column \(place.column))",
            details: parser.error.details
        )
    }

    var current: UInt8? { position < bytes.count ? bytes[position] : nil }

    func text(_ start: Int, _ end: Int) -> String {
        String(decoding: bytes[start..<end], as: UTF8.self)
    }

    // Parsec counts scalars, and moves to the next multiple of eight on a tab.
    private func place(of offset: Int) -> (line: Int, column: Int) {
        var line = 1
        var column = 1
        for byte in bytes[..<min(offset, bytes.count)] {
            switch byte {
            case UInt8(ascii: "\n"): (line, column) = (line + 1, 1)
            case UInt8(ascii: "\t"): column += 8 - (column - 1) % 8
            case 0x80..<0xC0: break
            default: column += 1
            }
        }
        return (line, column)
    }
}

// The primitives.
extension Parser {
    mutating func advance(to position: Int) {
        self.position = position
        if records { error.clear() }
    }

    mutating func character(_ byte: UInt8) -> Bool {
        guard current == byte else {
            refuse(expecting: ParseError.shown(String(UnicodeScalar(byte))))
            return false
        }
        advance(to: position + 1)
        return true
    }

    /// Fails with the position moved if it matched in part.
    mutating func literal(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        let start = position
        var matched = 0
        while matched < length, start + matched < bytes.count {
            let wanted = unsafe text.utf8Start[matched]
            guard bytes[start + matched] == wanted else { break }
            matched += 1
        }
        if matched == length {
            advance(to: start + length)
            return true
        }
        if records {
            if matched > 0 { error.clear() }
            error.merge(
                at: start,
                .systemUnexpected(shownScalar(at: start + matched)),
                .expected(ParseError.shown(text.description))
            )
        }
        position = start + matched
        return false
    }

    /// Whether `text` comes next. Takes nothing, even when it fails.
    mutating func peek(_ text: StaticString) -> Bool {
        let start = position
        let before = error
        let found = literal(text)
        position = start
        if found || records {
            let own = error
            error = before
            if !found { error.merge(own) }
        }
        return found
    }

    mutating func endOfInput() -> Bool {
        guard position < bytes.count else {
            refuse(expecting: "end of input")
            return true
        }
        if records {
            let scalar = scalar(at: position)?.scalar ?? " "
            error.merge(
                at: position,
                .unexpected(ParseError.shown(String(scalar), quote: "'")),
                .expected("end of input")
            )
        }
        return false
    }

    /// Takes one scalar that `belongs`; `label` is how the error calls the set.
    mutating func scalar(
        _ labels: StaticString...,
        where belongs: (Unicode.Scalar) -> Bool
    ) -> Bool {
        if let (scalar, length) = scalar(at: position), belongs(scalar) {
            advance(to: position + length)
            return true
        }
        refuse()
        if records { for label in labels { refuse(expecting: label.description) } }
        return false
    }

    /// Fails, having passed it, if a scalar that `refuses` follows.
    mutating func notFollowed(by refused: (Unicode.Scalar) -> Bool, label: String? = nil) -> Bool {
        guard let (scalar, length) = scalar(at: position), refused(scalar) else {
            refuse(expecting: label)
            return true
        }
        if records {
            error.merge(
                at: position + length,
                .unexpected(ParseError.shown(String(scalar), quote: "'"))
            )
        }
        return false
    }

    mutating func refuse(expecting label: String? = nil) {
        guard records else { return }
        error.merge(at: position, .systemUnexpected(shownScalar(at: position)))
        if let label { error.merge(at: position, .expected(label)) }
    }

    func scalar(at offset: Int) -> (scalar: Unicode.Scalar, length: Int)? {
        guard offset < bytes.count else { return nil }
        if bytes[offset] < 0x80 { return (Unicode.Scalar(bytes[offset]), 1) }
        var end = offset + 1
        while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
        return text(offset, end).unicodeScalars.first.map { ($0, end - offset) }
    }

    private func shownScalar(at offset: Int) -> String {
        scalar(at: offset).map { ParseError.shown(String($0.scalar)) } ?? ""
    }
}

// The combinators.
extension Parser {
    /// On failure goes back to where it began, so that an alternative can be tried.
    mutating func attempt<Value>(_ rule: (inout Parser) -> Value?) -> Value? {
        let start = position
        let before = error
        if let value = rule(&self) { return value }
        position = start
        if records {
            let own = error
            error = before
            error.merge(own)
        }
        return nil
    }

    /// Calls whatever `rule` expected at its very start by one name.
    mutating func label<Value>(_ name: String, _ rule: (inout Parser) -> Value?) -> Value? {
        guard records else { return rule(&self) }
        let start = position
        let before = error
        error.clear()
        let value = rule(&self)
        if position == start {
            error.relabel(name)
            let own = error
            error = before
            error.merge(own)
        }
        return value
    }

    /// `rule` between optional blanks.
    mutating func lexeme<Value>(_ rule: (inout Parser) -> Value?) -> Value? {
        skipBlanks()
        guard let value = rule(&self) else { return nil }
        skipBlanks()
        return value
    }

    mutating func skipBlanks() {
        while scalar(where: { $0 == " " || $0 == "\t" }) {}
    }

    /// `rule` once or more, with `separator` between; nil when either fails midway.
    mutating func separated<Value>(
        by separator: (inout Parser) -> Bool,
        _ rule: (inout Parser) -> Value?
    ) -> [Value]? {
        guard let first = rule(&self) else { return nil }
        var values = [first]
        while true {
            let start = position
            guard separator(&self) else { return position == start ? values : nil }
            guard let next = rule(&self) else { return nil }
            values.append(next)
            // What else the element might have had is forgotten: Parsec's `many` keeps the error
            // of its last try alone.
            if records { error.clear() }
        }
    }

    /// One level deeper, or a failure when that is too deep.
    mutating func nested<Value>(_ rule: (inout Parser) -> Value?) -> Value? {
        guard depth < Self.depthMax else {
            if records {
                error.clear()
                error.merge(
                    at: position,
                    .unexpected("nesting deeper than \(Self.depthMax) levels")
                )
            }
            return nil
        }
        depth += 1
        defer { depth -= 1 }
        return rule(&self)
    }
}

extension Parser {
    mutating func comma() -> Bool {
        lexeme { $0.character(UInt8(ascii: ",")) ? () : nil } != nil
    }
}
