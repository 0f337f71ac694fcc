// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Whether a text can be copied into a record as it is.
enum PlainText {
    case plain
    /// Has something to escape, to repair or to mask.
    case suspicious

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Eight bytes at a time. Suspicious are control characters, quotes, backslashes, anything
    /// beyond ASCII (it may be malformed), and what secrets cannot do without: `eyJ…`,
    /// `Bearer …`, `password=…`, `user:secret@host`. A letter of those is a reason to look for
    /// the word, no more.
    @unsafe static func check(_ text: UnsafeBufferPointer<UInt8>) -> PlainText {
        var index = 0
        var letters: UInt64 = 0
        while index &+ 8 <= text.count {
            let word = unsafe UnsafeRawPointer(text.baseAddress.unsafelyUnwrapped + index)
                .loadUnaligned(as: UInt64.self)
            if mustBeEscaped(word) { return .suspicious }
            letters |= lettersOfSecrets(word)
            index &+= 8
        }
        if index < text.count {
            var last: UInt64 = ones &* UInt64(UInt8(ascii: "a"))
            while index < text.count {
                last = unsafe last << 8 | UInt64(text[index])
                index &+= 1
            }
            if mustBeEscaped(last) { return .suspicious }
            letters |= lettersOfSecrets(last)
        }
        guard letters & highs != 0 else { return .plain }
        return unsafe mayHoldSecret(text) ? .suspicious : .plain
    }

    @inline(__always)
    private static func mustBeEscaped(_ word: UInt64) -> Bool {
        // 0x80 in each byte below 0x20, and in each that is at or beyond 0x80 (and in some
        // beside them, through the borrow: a false alarm is only slower).
        var found = (word &- ones &* 0x20) | word
        found |= zeros(word, UInt8(ascii: "\""))
        found |= zeros(word, UInt8(ascii: "\\"))
        found |= zeros(word, 0x7F)
        return found & highs != 0
    }

    @inline(__always)
    private static func lettersOfSecrets(_ word: UInt64) -> UInt64 {
        // `b` and `B` differ in one bit.
        zeros(word, UInt8(ascii: "J")) | zeros(word | ones &* 0x20, UInt8(ascii: "b"))
            | zeros(word, UInt8(ascii: "@")) | zeros(word, UInt8(ascii: "="))
    }

    @inline(__always)
    private static func zeros(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let different = word ^ (ones &* UInt64(byte))
        return (different &- ones) & ~different
    }

    @unsafe private static func mayHoldSecret(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe contains(text, "eyJ") || contains(text, "earer ") || contains(text, "assword=")
            || contains(text, "@")
    }

    @unsafe private static func contains(
        _ text: UnsafeBufferPointer<UInt8>,
        _ word: StaticString
    ) -> Bool {
        unsafe memmem(text.baseAddress, text.count, word.utf8Start, word.utf8CodeUnitCount) != nil
    }

    /// In logfmt a bare value ends at a space.
    static func needsQuotes(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe text.isEmpty || text.contains { $0 <= UInt8(ascii: " ") || $0 == UInt8(ascii: "=") }
    }
}

extension LogBytes {
    /// A scalar as JSON has it, with everything escaped that a terminal or a line reader could
    /// take for more than text: C0, DEL, C1, the line and paragraph separators, and the
    /// characters that turn the direction of text around.
    mutating func append(escaping scalar: Unicode.Scalar) {
        switch scalar.value {
        case 0x22: append("\\\"")
        case 0x5C: append("\\\\")
        case 0x0A: append("\\n")
        case 0x0D: append("\\r")
        case 0x09: append("\\t")
        case 0..<0x20, 0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF:
            append("\\u")
            append(hexadecimal: UInt64(scalar.value), digits: 4)
        default:
            for byte in scalar.utf8 { append(byte) }
        }
    }
}

extension Redaction {
    /// Field names are ours and few: a first letter and a length settle nearly all.
    static func isSecretField(_ key: StaticString) -> Bool {
        let first = unsafe Unicode.Scalar(key.utf8Start.pointee)
        return mayBeSecret(first, length: key.utf8CodeUnitCount) && isSecret(key.text)
    }

    static func mayBeSecret(_ first: Unicode.Scalar, length: Int) -> Bool {
        switch (first, length) {
        case ("a", 6), ("a", 7), ("a", 12), ("a", 13), ("c", 4), ("c", 6), ("i", 8), ("j", 3),
            ("k", 3), ("p", 3), ("p", 6), ("p", 8), ("p", 19), ("r", 13), ("s", 3), ("s", 6),
            ("s", 9), ("s", 10), ("t", 5), ("x", 9):
            true
        default: false
        }
    }
}
