// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    package init(
        parsing text: Span<UInt8>,
        depthMax: Int = JSONValue.depthMaxDefault
    ) throws(JSONError) {
        var builder = JSONBuilder(depthMax: depthMax)
        self = try builder.value(in: text, depth: 0)
        try builder.scanner.finish(in: text)
    }

    package init(
        parsing text: [UInt8],
        depthMax: Int = JSONValue.depthMaxDefault
    ) throws(JSONError) {
        try self.init(parsing: text.span, depthMax: depthMax)
    }

    package init(
        parsing text: String,
        depthMax: Int = JSONValue.depthMaxDefault
    ) throws(JSONError) {
        try self.init(parsing: Array(text.utf8).span, depthMax: depthMax)
    }
}

/// Recursive, since `depthMax` bounds it before the stack could.
private struct JSONBuilder {
    var scanner = JSONScanner()
    let depthMax: Int

    init(depthMax: Int) { self.depthMax = depthMax }

    mutating func value(in text: Span<UInt8>, depth: Int) throws(JSONError) -> JSONValue {
        scanner.skipSpace(in: text)
        switch try scanner.peek(in: text) {
        case 0x7B: return .object(try members(in: text, depth: depth))
        case 0x5B: return .array(try elements(in: text, depth: depth))
        case 0x22: return .string(try string(in: text))
        case 0x74: return try word("true", .bool(true), in: text)
        case 0x66: return try word("false", .bool(false), in: text)
        case 0x6E: return try word("null", .null, in: text)
        case 0x2D, 0x30...0x39:
            return .number(copy(try scanner.number(in: text), of: text))
        default: throw JSONError(.unexpectedByte, at: scanner.position)
        }
    }

    private mutating func word(
        _ word: StaticString,
        _ value: JSONValue,
        in text: Span<UInt8>
    ) throws(JSONError) -> JSONValue {
        try scanner.expect(word, in: text)
        return value
    }

    private mutating func elements(
        in text: Span<UInt8>,
        depth: Int
    ) throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        guard try open(closing: 0x5D, in: text, depth: depth) else { return elements }
        repeat {
            elements.append(try value(in: text, depth: depth + 1))
        } while try separator(closing: 0x5D, in: text)
        return elements
    }

    private mutating func members(
        in text: Span<UInt8>,
        depth: Int
    ) throws(JSONError) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = []
        guard try open(closing: 0x7D, in: text, depth: depth) else { return members }
        repeat {
            scanner.skipSpace(in: text)
            let name = try string(in: text)
            scanner.skipSpace(in: text)
            try scanner.expect(0x3A, in: text)
            members.append((name, try value(in: text, depth: depth + 1)))
        } while try separator(closing: 0x7D, in: text)
        return members
    }

    /// Past the opening bracket; false when the container was empty and is closed already.
    private mutating func open(
        closing: UInt8,
        in text: Span<UInt8>,
        depth: Int
    ) throws(JSONError) -> Bool {
        guard depth < depthMax else { throw JSONError(.tooDeep, at: scanner.position) }
        scanner.advance()
        scanner.skipSpace(in: text)
        guard try scanner.peek(in: text) == closing else { return true }
        scanner.advance()
        return false
    }

    /// Past a comma (true) or the closing bracket (false).
    private mutating func separator(
        closing: UInt8,
        in text: Span<UInt8>
    ) throws(JSONError) -> Bool {
        scanner.skipSpace(in: text)
        let byte = try scanner.peek(in: text)
        guard byte == 0x2C || byte == closing else {
            throw JSONError(.unexpectedByte, at: scanner.position)
        }
        scanner.advance()
        return byte == 0x2C
    }

    private mutating func string(in text: Span<UInt8>) throws(JSONError) -> String {
        let token = try scanner.string(in: text)
        guard token.hasEscapes else { return copy(token.contents, of: text) }
        return try unescaped(token.contents, of: text)
    }

    private func unescaped(_ range: Range<Int>, of text: Span<UInt8>) throws(JSONError) -> String {
        var decoder = JSONScanner(at: range.lowerBound)
        var result = ""
        result.reserveCapacity(range.count)
        var runStart = range.lowerBound
        while decoder.position < range.upperBound {
            guard text[decoder.position] == 0x5C else {
                decoder.advance()
                continue
            }
            result += copy(runStart..<decoder.position, of: text)
            result.unicodeScalars.append(try decoder.escape(in: text))
            runStart = decoder.position
        }
        return result + copy(runStart..<range.upperBound, of: text)
    }

    /// The scanner has checked that these bytes are UTF-8, so nothing is replaced here.
    private func copy(_ range: Range<Int>, of text: Span<UInt8>) -> String {
        unsafe text.extracting(range).withUnsafeBufferPointer { bytes in
            unsafe String(decoding: bytes, as: UTF8.self)
        }
    }
}
