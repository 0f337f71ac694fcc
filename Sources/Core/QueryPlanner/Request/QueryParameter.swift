// SPDX-License-Identifier: Apache-2.0

/// One `name=value` of a query string, decoded.
package struct QueryParameter: Sendable, Equatable {
    package let name: [UInt8]
    /// Nil without an equals sign.
    package let value: [UInt8]?

    var nameText: String { String(decoding: name, as: UTF8.self) }
    var valueText: String { String(decoding: value ?? [], as: UTF8.self) }

    /// The name after its last dot.
    var lastWord: ArraySlice<UInt8> {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")) else { return name[...] }
        return name[(dot + 1)...]
    }

    /// Splits at `&` and `;`; `+` is a space (HTML 4.01 §17.13.4, appendix B.2.2).
    package static func split(_ query: some Collection<UInt8>) -> [QueryParameter] {
        query.split(omittingEmptySubsequences: true) { $0 == UInt8(ascii: "&") || $0 == 59 }
            .map { pair in
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else {
                    return QueryParameter(name: decoded(pair), value: nil)
                }
                return QueryParameter(
                    name: decoded(pair[..<equals]),
                    value: decoded(pair[pair.index(after: equals)...])
                )
            }
    }

    private static func decoded(_ text: some Collection<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            index = text.index(after: index)
            if byte == UInt8(ascii: "+") {
                result.append(32)
            } else if byte == UInt8(ascii: "%"), let (value, end) = escaped(text[index...]) {
                result.append(value)
                index = end
            } else {
                result.append(byte)
            }
        }
        return result
    }

    private static func escaped<Text: Collection<UInt8>>(
        _ text: Text
    ) -> (value: UInt8, end: Text.Index)? {
        guard let high = text.first.flatMap(hexadecimal) else { return nil }
        let second = text.index(after: text.startIndex)
        guard second < text.endIndex, let low = hexadecimal(text[second]) else { return nil }
        return (high << 4 | low, text.index(after: second))
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
    /// The parameters in the order of their names, encoded anew: one text for all spellings of a query.
    package static func canonical(_ parameters: [QueryParameter]) -> String {
        var bytes: [UInt8] = []
        let sorted = parameters.enumerated().sorted { left, right in
            left.element.name == right.element.name
                ? left.offset < right.offset
                : left.element.name.lexicographicallyPrecedes(right.element.name)
        }
        for (_, parameter) in sorted {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
            append(parameter.name, to: &bytes)
            bytes.append(UInt8(ascii: "="))
            append(parameter.value ?? [], to: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func append(_ text: [UInt8], to bytes: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text {
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "."), UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }
}
