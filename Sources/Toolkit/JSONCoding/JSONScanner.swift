// SPDX-License-Identifier: Apache-2.0

/// Recognises the tokens of RFC 8259 and moves past them; builds nothing.
///
/// The parser and the validator share it, so that both refuse the same bytes. The text is an
/// argument of every step, since a value cannot keep a borrowed `Span`.
struct JSONScanner {
    /// Where a string's contents lie between its quotes, and whether they can be copied as they are.
    struct StringToken {
        let contents: Range<Int>
        let hasEscapes: Bool
    }

    private(set) var position: Int

    init(at position: Int = 0) { self.position = position }

    mutating func skipSpace(in text: Span<UInt8>) {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    func peek(in text: Span<UInt8>) throws(JSONError) -> UInt8 {
        guard position < text.count else { throw JSONError(.unexpectedEnd, at: position) }
        return text[position]
    }

    mutating func advance() { position += 1 }

    mutating func expect(_ byte: UInt8, in text: Span<UInt8>) throws(JSONError) {
        guard try peek(in: text) == byte else { throw JSONError(.unexpectedByte, at: position) }
        position += 1
    }

    mutating func expect(_ word: StaticString, in text: Span<UInt8>) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            try expect(unsafe word.utf8Start[index], in: text)
        }
    }

    /// After the outermost value: only space may follow.
    mutating func finish(in text: Span<UInt8>) throws(JSONError) {
        skipSpace(in: text)
        guard position == text.count else { throw JSONError(.trailingBytes, at: position) }
    }
}

extension JSONScanner {
    /// RFC 8259 §6: no leading zero, no leading plus, digits on both sides of the point.
    mutating func number(in text: Span<UInt8>) throws(JSONError) -> Range<Int> {
        let start = position
        skip(0x2D, in: text)
        if !skip(0x30, in: text) { try digits(in: text) }
        if skip(0x2E, in: text) { try digits(in: text) }
        if skip(0x65, in: text) || skip(0x45, in: text) {
            if !skip(0x2B, in: text) { skip(0x2D, in: text) }
            try digits(in: text)
        }
        // "01" is two numbers side by side: say so here rather than "unexpected byte".
        if position < text.count, isDigit(text[position]) {
            throw JSONError(.malformedNumber, at: position)
        }
        return start..<position
    }

    @discardableResult
    private mutating func skip(_ byte: UInt8, in text: Span<UInt8>) -> Bool {
        guard position < text.count, text[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func digits(in text: Span<UInt8>) throws(JSONError) {
        let start = position
        while position < text.count, isDigit(text[position]) { position += 1 }
        guard position > start else { throw JSONError(.malformedNumber, at: position) }
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}

extension JSONScanner {
    /// Past a string, whose opening quote is at the position: escapes and UTF-8 are checked.
    mutating func string(in text: Span<UInt8>) throws(JSONError) -> StringToken {
        try expect(0x22, in: text)
        let start = position
        var hasEscapes = false
        var isASCII = true
        while true {
            let byte = try peek(in: text)
            if byte == 0x22 { break }
            if byte == 0x5C {
                hasEscapes = true
                _ = try escape(in: text)
                continue
            }
            guard byte >= 0x20 else { throw JSONError(.controlCharacter, at: position) }
            if byte >= 0x80 { isASCII = false }
            position += 1
        }
        let contents = start..<position
        if !isASCII { try checkUTF8(contents, in: text) }
        position += 1
        return StringToken(contents: contents, hasEscapes: hasEscapes)
    }

    /// Past one escape sequence (a surrogate pair is one), giving the scalar it stands for.
    mutating func escape(in text: Span<UInt8>) throws(JSONError) -> Unicode.Scalar {
        let start = position
        position += 1
        let kind = try peek(in: text)
        position += 1
        switch kind {
        case 0x22, 0x5C, 0x2F: return Unicode.Scalar(kind)
        case 0x62: return "\u{08}"
        case 0x66: return "\u{0C}"
        case 0x6E: return "\n"
        case 0x72: return "\r"
        case 0x74: return "\t"
        case 0x75: return try unicodeEscape(from: start, in: text)
        default: throw JSONError(.malformedEscape, at: start)
        }
    }

    private mutating func unicodeEscape(
        from start: Int,
        in text: Span<UInt8>
    ) throws(JSONError) -> Unicode.Scalar {
        let first = try fourHexDigits(from: start, in: text)
        if let scalar = Unicode.Scalar(first) { return scalar }
        // What is no scalar is half of a UTF-16 pair. A half alone has no UTF-8 form (RFC 3629 §3).
        guard first < 0xDC00, skip(0x5C, in: text), skip(0x75, in: text) else {
            throw JSONError(.loneSurrogate, at: start)
        }
        let second = try fourHexDigits(from: start, in: text)
        guard second >= 0xDC00, second < 0xE000,
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw JSONError(.loneSurrogate, at: start) }
        return scalar
    }

    private mutating func fourHexDigits(
        from start: Int,
        in text: Span<UInt8>
    ) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = try peek(in: text)
            guard let digit = hexDigit(byte) else { throw JSONError(.malformedEscape, at: start) }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    private func checkUTF8(_ range: Range<Int>, in text: Span<UInt8>) throws(JSONError) {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: text.extracting(range))
        } catch {
            throw JSONError(.malformedUTF8, at: range.lowerBound + error.byteOffsets.lowerBound)
        }
    }
}
