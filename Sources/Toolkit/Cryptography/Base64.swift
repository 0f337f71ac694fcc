// SPDX-License-Identifier: Apache-2.0

/// RFC 4648, strictly: no characters from outside the alphabet, and only the one canonical spelling
/// of each value (§3.5), so that two different texts never mean the same bytes.
package enum Base64: Sendable {
    case standard
    /// The alphabet of tokens (RFC 7515 §2), without padding.
    case url

    package func encode(_ bytes: some Sequence<UInt8>) -> String {
        let alphabet = self == .url ? Self.urlAlphabet : Self.standardAlphabet
        var text: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                text.append(alphabet[Int(bits >> UInt32(bitCount) & 63)])
            }
        }
        if bitCount > 0 { text.append(alphabet[Int(bits << UInt32(6 - bitCount) & 63)]) }
        if self == .standard {
            while text.count % 4 != 0 { text.append(Self.padding) }
        }
        return String(decoding: text, as: UTF8.self)
    }

    package func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard let length = unpaddedLength(text) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length * 3 / 4)
        var bits: UInt32 = 0
        var bitCount = 0
        for index in 0..<length {
            guard let value = value(of: text[index]) else { return nil }
            bits = bits << 6 | UInt32(value)
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        guard bitCount < 6, bits & (1 << UInt32(bitCount) - 1) == 0 else { return nil }
        return bytes
    }

    package func decode(_ text: String) -> [UInt8]? {
        decode(Array(text.utf8).span)
    }

    /// A secret as people write it: in either alphabet, padded, where a dot may stand for `=`.
    package static func decode(secret text: String) -> [UInt8]? {
        let blanks: Set<Character> = [" ", "\t", "\n", "\r", "\r\n"]
        let kept = text.filter { !blanks.contains($0) }
        return standard.decode(String(kept.map { standardSpelling[$0] ?? $0 }))
    }

    private static let standardSpelling: [Character: Character] = ["-": "+", "_": "/", ".": "="]

    private static let padding = UInt8(ascii: "=")
    private static let standardAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8
    )
    private static let urlAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )

    private func unpaddedLength(_ text: Span<UInt8>) -> Int? {
        guard self == .standard else { return text.count }
        guard text.count % 4 == 0 else { return nil }
        var length = text.count
        while length > 0, text.count - length < 2, text[length - 1] == Self.padding { length -= 1 }
        return length
    }

    private func value(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+") where self == .standard: 62
        case UInt8(ascii: "/") where self == .standard: 63
        case UInt8(ascii: "-") where self == .url: 62
        case UInt8(ascii: "_") where self == .url: 63
        default: nil
        }
    }
}
