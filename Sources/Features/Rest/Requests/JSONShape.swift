// SPDX-License-Identifier: Apache-2.0

/// What the service must know of a JSON body before PostgreSQL reads it: that it is JSON at all
/// (RFC 8259), and which keys its objects have. It builds no tree: a bulk insert of a thousand rows
/// costs one pass over its bytes.
package struct JSONShape: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case object(keys: [String])
        /// Objects with the same keys.
        case objects(keys: [String])
        case emptyArray
        /// An array of something else, or of objects that differ in their keys.
        case unevenArray
        case scalar
    }

    package let kind: Kind

    /// Nil if `bytes` are not one JSON document.
    package init?(_ bytes: [UInt8], depthMax: Int = 512) {
        var scanner = JSONShapeScanner(bytes: bytes, depthMax: depthMax)
        guard let kind = scanner.document() else { return nil }
        self.kind = kind
    }
}

/// A validator that remembers the keys of the outermost objects.
private struct JSONShapeScanner {
    private let bytes: [UInt8]
    private let depthMax: Int
    private var position = 0

    init(bytes: [UInt8], depthMax: Int) {
        self.bytes = bytes
        self.depthMax = depthMax
    }

    mutating func document() -> JSONShape.Kind? {
        // RFC 8259 §8.1: JSON text is UTF-8. Said once here, so that strings need not be decoded.
        guard isUTF8 else { return nil }
        skipBlanks()
        guard position < bytes.count, let kind = outermost() else { return nil }
        skipBlanks()
        return position == bytes.count ? kind : nil
    }

    private mutating func outermost() -> JSONShape.Kind? {
        switch bytes[position] {
        case UInt8(ascii: "{"): return object(depth: 1).map { .object(keys: names($0)) }
        case UInt8(ascii: "["): return array()
        default: return skipValue(depth: 1) ? .scalar : nil
        }
    }

    private mutating func array() -> JSONShape.Kind? {
        position += 1
        skipBlanks()
        if take(UInt8(ascii: "]")) { return .emptyArray }
        var first: [Range<Int>]?
        var sorted: [[UInt8]]?
        var isEven = true
        repeat {
            skipBlanks()
            guard position < bytes.count else { return nil }
            guard bytes[position] == UInt8(ascii: "{") else {
                isEven = false
                guard skipValue(depth: 2) else { return nil }
                continue
            }
            guard let keys = object(depth: 2) else { return nil }
            if let first, isEven {
                isEven = isSame(keys, as: first, &sorted)
            } else if first == nil {
                first = keys
            }
        } while nextElement()
        guard take(UInt8(ascii: "]")) else { return nil }
        guard let first, isEven else { return .unevenArray }
        return .objects(keys: names(first))
    }

    /// Usually the keys come in the same order; only if they do not are they sorted.
    private func isSame(
        _ keys: [Range<Int>],
        as first: [Range<Int>],
        _ sorted: inout [[UInt8]]?
    ) -> Bool {
        if keys.count == first.count,
            zip(keys, first).allSatisfy({ bytes[$0].elementsEqual(bytes[$1]) })
        {
            return true
        }
        let expected = sorted ?? Self.sortedNames(names(first))
        sorted = expected
        return Self.sortedNames(names(keys)) == expected
    }

    private static func sortedNames(_ names: [String]) -> [[UInt8]] {
        names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    private func names(_ keys: [Range<Int>]) -> [String] {
        var seen: Set<String> = []
        return keys.map { JSONText.unescaped(bytes[$0]) }.filter { seen.insert($0).inserted }
    }

    /// The keys' bytes between the quotes.
    private mutating func object(depth: Int) -> [Range<Int>]? {
        guard depth <= depthMax else { return nil }
        position += 1
        var keys: [Range<Int>] = []
        skipBlanks()
        if take(UInt8(ascii: "}")) { return keys }
        repeat {
            skipBlanks()
            guard let key = string() else { return nil }
            keys.append(key)
            skipBlanks()
            guard take(UInt8(ascii: ":")), skipValue(depth: depth + 1) else { return nil }
        } while nextElement()
        return take(UInt8(ascii: "}")) ? keys : nil
    }

    private mutating func skipValue(depth: Int) -> Bool {
        skipBlanks()
        guard position < bytes.count, depth <= depthMax else { return false }
        switch bytes[position] {
        case UInt8(ascii: "{"): return skipObject(depth: depth)
        case UInt8(ascii: "["): return skipArray(depth: depth)
        case UInt8(ascii: "\""): return string() != nil
        case UInt8(ascii: "t"): return take("true")
        case UInt8(ascii: "f"): return take("false")
        case UInt8(ascii: "n"): return take("null")
        default: return skipNumber()
        }
    }

    private mutating func skipObject(depth: Int) -> Bool {
        position += 1
        skipBlanks()
        if take(UInt8(ascii: "}")) { return true }
        repeat {
            skipBlanks()
            guard string() != nil else { return false }
            skipBlanks()
            guard take(UInt8(ascii: ":")), skipValue(depth: depth + 1) else { return false }
        } while nextElement()
        return take(UInt8(ascii: "}"))
    }

    private mutating func skipArray(depth: Int) -> Bool {
        position += 1
        skipBlanks()
        if take(UInt8(ascii: "]")) { return true }
        repeat {
            guard skipValue(depth: depth + 1) else { return false }
        } while nextElement()
        return take(UInt8(ascii: "]"))
    }

    private mutating func nextElement() -> Bool {
        skipBlanks()
        return take(UInt8(ascii: ","))
    }

    private mutating func string() -> Range<Int>? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<position - 1
            case UInt8(ascii: "\\"):
                guard skipEscape() else { return nil }
            case 0..<0x20: return nil
            default: position += 1
            }
        }
        return nil
    }

    private mutating func skipEscape() -> Bool {
        position += 1
        guard position < bytes.count else { return false }
        let letter = bytes[position]
        position += 1
        guard letter == UInt8(ascii: "u") else { return "\"\\/bfnrt".utf8.contains(letter) }
        guard position + 4 <= bytes.count else { return false }
        let digits = bytes[position..<position + 4]
        position += 4
        return digits.allSatisfy { JSONText.hexadecimal($0) != nil }
    }

    private mutating func skipNumber() -> Bool {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")), skipDigits() == 0 { return false }
        if take(UInt8(ascii: ".")), skipDigits() == 0 { return false }
        guard take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) else { return true }
        if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
        return skipDigits() > 0
    }

    private mutating func skipDigits() -> Int {
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
        return position - start
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let end = position + word.utf8CodeUnitCount
        guard end <= bytes.count, bytes[position..<end].elementsEqual(word.description.utf8)
        else { return false }
        position = end
        return true
    }

    private mutating func skipBlanks() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private var isUTF8: Bool { String(validating: bytes, as: UTF8.self) != nil }
}
