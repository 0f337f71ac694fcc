// SPDX-License-Identifier: Apache-2.0
import CLinux

/// Text as it stands in a record.
enum PlainText {
    /// In logfmt a bare value ends at a space.
    static func needsQuotes(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        unsafe text.isEmpty || text.contains { $0 <= UInt8(ascii: " ") || $0 == UInt8(ascii: "=") }
    }
}

extension LogBytes {
    /// Copies a text, room for it and a little more being there. False, and nothing is appended,
    /// when there is something in it to escape, to repair or perhaps to mask, encoded or not.
    @unsafe mutating func appendIfPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = text.baseAddress else { return true }
        guard let base = unsafe base, unsafe copy_plain_text(base + count, start, text.count) != 0
        else { return false }
        advance(by: text.count)
        return true
    }

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
