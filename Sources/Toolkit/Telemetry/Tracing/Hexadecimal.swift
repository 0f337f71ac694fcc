// SPDX-License-Identifier: Apache-2.0

/// Lower-case hexadecimal, as trace ids are written.
enum Hexadecimal {
    static func append(_ value: UInt64, digits: Int = 16, to bytes: inout [UInt8]) {
        for digit in (0..<digits).reversed() {
            bytes.append(character(UInt8(truncatingIfNeeded: value >> UInt64(digit * 4)) & 15))
        }
    }

    static func character(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") - 10 + nibble
    }

    /// Strict: upper case is refused (W3C Trace Context §3.2.2, HEXDIGLC).
    static func parse(_ bytes: Span<UInt8>, from start: Int, digits: Int) -> UInt64? {
        var value: UInt64 = 0
        for index in start..<start + digits {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"):
                value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default:
                return nil
            }
        }
        return value
    }
}
