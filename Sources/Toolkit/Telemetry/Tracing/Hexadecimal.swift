// SPDX-License-Identifier: Apache-2.0

/// Lower-case hexadecimal, as trace ids are written.
enum Hexadecimal {
    /// All sixteen digits.
    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        for word in [UInt32(truncatingIfNeeded: value >> 32), UInt32(truncatingIfNeeded: value)] {
            unsafe withUnsafeBytes(of: eightCharacters(word)) {
                unsafe bytes.append(contentsOf: $0)
            }
        }
    }

    /// The same sixteen digits in the midst of others.
    @inline(__always)
    static func put(_ value: UInt64, in text: inout MutableSpan<UInt8>, at start: Int) {
        precondition(start >= 0 && start + 16 <= text.count, "no room for the digits")
        unsafe text.withUnsafeMutableBytes { bytes in
            for (offset, word) in [(start, value >> 32), (start + 8, value)] {
                unsafe bytes.storeBytes(
                    of: eightCharacters(UInt32(truncatingIfNeeded: word)),
                    toByteOffset: offset,
                    as: UInt64.self
                )
            }
        }
    }

    /// The eight digits of a word, the first in the lowest byte: spread the nibbles over the
    /// bytes, then add what makes each its character, without a branch.
    static func eightCharacters(_ word: UInt32) -> UInt64 {
        var nibbles = UInt64(word.byteSwapped)
        nibbles = (nibbles | nibbles << 16) & 0x0000_FFFF_0000_FFFF
        nibbles = (nibbles | nibbles << 8) & 0x00FF_00FF_00FF_00FF
        // Each byte is to become two: its high nibble first.
        nibbles = (nibbles >> 4 | nibbles << 8) & 0x0F0F_0F0F_0F0F_0F0F
        let letters = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 39).littleEndian
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
