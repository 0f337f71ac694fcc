// SPDX-License-Identifier: Apache-2.0

/// One `name=value` of a query string, decoded.
package struct QueryParameter: Sendable, Equatable {
    package let name: [UInt8]
    /// Nil without an equals sign.
    package let value: [UInt8]?

    var nameText: String { String(decoding: name, as: UTF8.self) }
    var valueText: String { String(decoding: value ?? [], as: UTF8.self) }

    /// The name after its last dot.
    var lastWord: ArraySlice<UInt8> { Self.lastWord(of: name[...]) }

    private static func lastWord(of name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return name }
        return name[(dot + 1)...]
    }

    /// Splits at `&` and `;`; `+` is a space (HTML 4.01 §17.13.4, appendix B.2.2).
    package static func split(_ query: some Sequence<UInt8>) -> [QueryParameter] {
        let bytes = Array(query)
        var parameters: [QueryParameter] = []
        var start = 0
        while start < bytes.count {
            var equals: Int?
            var end = start
            while end < bytes.count, bytes[end] != UInt8(ascii: "&"),
                bytes[end] != UInt8(ascii: ";")
            {
                if equals == nil, bytes[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            if end > start {
                parameters.append(
                    QueryParameter(
                        name: decoded(bytes, start, equals ?? end),
                        value: equals.map { decoded(bytes, $0 + 1, end) }
                    )
                )
            }
            start = end + 1
        }
        return parameters
    }

    private static func decoded(_ bytes: [UInt8], _ start: Int, _ end: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(end - start)
        decode(bytes[start..<end], onto: &result)
        return result
    }

    static func decode(_ text: ArraySlice<UInt8>, onto result: inout [UInt8]) {
        guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else {
            return result.append(contentsOf: text)
        }
        var index = text.startIndex
        while index < text.endIndex {
            if text[index] == UInt8(ascii: "%"), index + 2 < text.endIndex,
                let high = hexadecimal(text[index + 1]), let low = hexadecimal(text[index + 2])
            {
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(text[index] == UInt8(ascii: "+") ? 32 : text[index])
                index += 1
            }
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }
}

extension QueryParameter {
    /// What a parameter is about, by its name.
    enum Role { case select, columns, onConflict, order, logic, range, filter, nothing }

    var role: Role { Self.role(of: name[...], hasValue: value != nil) }

    static func role(of name: ArraySlice<UInt8>, hasValue: Bool) -> Role {
        if let whole = reserved.first(where: { $0.name.elementsEqual(name) }) { return whole.role }
        guard hasValue else { return .nothing }
        let word = lastWord(of: name)
        // Almost every name is a column's: its length alone says that it is nothing else.
        guard (2...6).contains(word.count) else { return .filter }
        return reservedWords.first { $0.word.elementsEqual(word) }?.role ?? .filter
    }

    private static let reserved: [(name: [UInt8], role: Role)] = [
        (Array("select".utf8), .select), (Array("columns".utf8), .columns),
        (Array("on_conflict".utf8), .onConflict),
    ]

    private static let reservedWords: [(word: [UInt8], role: Role)] = [
        (Array("order".utf8), .order), (Array("limit".utf8), .range),
        (Array("offset".utf8), .range), (Array("and".utf8), .logic), (Array("or".utf8), .logic),
    ]
}

extension QueryParameter {
    /// The parameters in the order of their names, encoded anew: one text for all spellings of a
    /// query.
    package static func canonical(_ parameters: [QueryParameter]) -> String {
        var bytes: [UInt8] = []
        let sorted = parameters.enumerated().sorted { left, right in
            left.element.name == right.element.name
                ? left.offset < right.offset
                : left.element.name.lexicographicallyPrecedes(right.element.name)
        }
        for (_, parameter) in sorted {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
            encode(parameter.name[...], onto: &bytes)
            bytes.append(UInt8(ascii: "="))
            encode((parameter.value ?? [])[...], onto: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func encode(_ text: ArraySlice<UInt8>, onto bytes: inout [UInt8]) {
        for byte in text {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes.append(hexadecimalDigit(byte >> 4))
                bytes.append(hexadecimalDigit(byte & 15))
            }
        }
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
