// SPDX-License-Identifier: Apache-2.0
import Glibc

/// The character classes of RFC 9110 §5.6 and RFC 3986 §2, as bit sets over ASCII.
enum ByteClass {
    /// `tchar`: what methods and field names are made of.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        // Bits 0..63 and 64..127 of: ! # $ % & ' * + - . ^ _ ` | ~ DIGIT ALPHA
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
        let bits = byte < 64 ? low : high
        return byte < 128 && (bits >> UInt64(byte & 63)) & 1 == 1
    }

    static func isToken(_ bytes: Span<UInt8>) -> Bool {
        guard !bytes.isEmpty else { return false }
        for index in bytes.indices where !isToken(bytes[index]) { return false }
        return true
    }

    /// Visible ASCII and what is beyond ASCII. Browsers and curl send raw UTF-8 in targets.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: "#")
    }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

    @inline(__always)
    static func isWhitespace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// A control byte other than HTAB: no place in a field's value.
    @inline(__always)
    static func isControl(_ byte: UInt8) -> Bool {
        (byte < 0x20 && byte != UInt8(ascii: "\t")) || byte == 0x7F
    }

    @inline(__always)
    static func splitsMessages(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") || byte == 0
    }

    /// Whether any of them does.
    static func splitsMessages(_ bytes: Span<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            return unsafe memchr(start, 0x0D, bytes.count) != nil
                || memchr(start, 0x0A, bytes.count) != nil || memchr(start, 0, bytes.count) != nil
        }
    }

    @inline(__always)
    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }
}

/// ASCII case-insensitive comparison of spans of the same length.
@inline(__always)
func equalIgnoringCase(_ first: Span<UInt8>, _ second: Span<UInt8>) -> Bool {
    guard first.count == second.count else { return false }
    for index in first.indices {
        let (left, right) = unsafe (first[unchecked: index], second[unchecked: index])
        guard left == right || ByteClass.lowercased(left) == ByteClass.lowercased(right) else {
            return false
        }
    }
    return true
}

func equalIgnoringCase(_ bytes: Span<UInt8>, _ word: StaticString) -> Bool {
    let word = unsafe UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
    return unsafe equalIgnoringCase(bytes, word.span)
}
