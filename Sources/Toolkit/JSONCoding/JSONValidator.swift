// SPDX-License-Identifier: Apache-2.0

/// Says whether bytes are one JSON value, without building it.
///
/// Open containers are bits in a stack of our own, so depth costs no thread stack.
package enum JSONValidator {
    /// What a valid document is at its top, for those who must know "object or array?".
    package enum Shape: Sendable, Equatable {
        case object, array, scalar
    }

    @discardableResult
    package static func validate(
        _ text: Span<UInt8>,
        depthMax: Int = JSONValue.depthMaxDefault
    ) throws(JSONError) -> Shape {
        var walk = JSONWalk(depthMax: depthMax)
        walk.scanner.skipSpace(in: text)
        let first = try walk.scanner.peek(in: text)
        try walk.run(in: text)
        try walk.scanner.finish(in: text)
        return first == 0x7B ? .object : first == 0x5B ? .array : .scalar
    }

    package static func isValid(_ text: [UInt8]) -> Bool {
        (try? validate(text.span)) != nil
    }
}

private struct JSONWalk {
    var scanner = JSONScanner()
    /// The open containers, outermost first: true is an object.
    private var open: [Bool] = []
    private let depthMax: Int

    init(depthMax: Int) { self.depthMax = depthMax }

    mutating func run(in text: Span<UInt8>) throws(JSONError) {
        repeat {
            // A container that opened with a first element has its value still to come.
            if try value(in: text) { continue }
            while try closesOrContinues(in: text) {}
            if open.isEmpty { return }
        } while true
    }

    /// Past one scalar or one opening bracket; true when a value must follow.
    private mutating func value(in text: Span<UInt8>) throws(JSONError) -> Bool {
        scanner.skipSpace(in: text)
        switch try scanner.peek(in: text) {
        case 0x7B: return try opened(isObject: true, closing: 0x7D, in: text)
        case 0x5B: return try opened(isObject: false, closing: 0x5D, in: text)
        case 0x22: _ = try scanner.string(in: text)
        case 0x74: try scanner.expect("true", in: text)
        case 0x66: try scanner.expect("false", in: text)
        case 0x6E: try scanner.expect("null", in: text)
        case 0x2D, 0x30...0x39: _ = try scanner.number(in: text)
        default: throw JSONError(.unexpectedByte, at: scanner.position)
        }
        return false
    }

    private mutating func opened(
        isObject: Bool,
        closing: UInt8,
        in text: Span<UInt8>
    ) throws(JSONError) -> Bool {
        guard open.count < depthMax else { throw JSONError(.tooDeep, at: scanner.position) }
        scanner.advance()
        scanner.skipSpace(in: text)
        if try scanner.peek(in: text) == closing {
            scanner.advance()
            return false
        }
        open.append(isObject)
        if isObject { try key(in: text) }
        return true
    }

    /// After a value: true when a bracket closed (which is again after a value), false when the
    /// next value follows or nothing is open.
    private mutating func closesOrContinues(in text: Span<UInt8>) throws(JSONError) -> Bool {
        guard let isObject = open.last else { return false }
        scanner.skipSpace(in: text)
        switch try scanner.peek(in: text) {
        case 0x2C:
            scanner.advance()
            if isObject { try key(in: text) }
            return false
        case isObject ? 0x7D : 0x5D:
            scanner.advance()
            open.removeLast()
            return true
        default:
            throw JSONError(.unexpectedByte, at: scanner.position)
        }
    }

    private mutating func key(in text: Span<UInt8>) throws(JSONError) {
        scanner.skipSpace(in: text)
        _ = try scanner.string(in: text)
        scanner.skipSpace(in: text)
        try scanner.expect(0x3A, in: text)
    }
}
