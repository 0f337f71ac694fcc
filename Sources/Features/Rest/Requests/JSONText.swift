// SPDX-License-Identifier: Apache-2.0

/// Strings as JSON writes them (RFC 8259 §7).
enum JSONText {
    /// The text between the quotes of a well-formed JSON string.
    static func unescaped(_ bytes: ArraySlice<UInt8>) -> String {
        guard bytes.contains(UInt8(ascii: "\\")) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        var units: [UInt16] = []
        var out = ""
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let letter = rest.popFirst() else {
                flush(&units, into: &out)
                let run = rest.prefix { $0 != UInt8(ascii: "\\") }
                out += String(decoding: [byte] + run, as: UTF8.self)
                rest = rest.dropFirst(run.count)
                continue
            }
            if letter == UInt8(ascii: "u") {
                // Halves of a surrogate pair are two escapes: collect them before decoding.
                let digits = rest.prefix(4).compactMap(hexadecimal)
                units.append(digits.reduce(0) { $0 << 4 | UInt16($1) })
                rest = rest.dropFirst(4)
                continue
            }
            flush(&units, into: &out)
            out.unicodeScalars.append(Unicode.Scalar(control(letter)))
        }
        flush(&units, into: &out)
        return out
    }

    private static func flush(_ units: inout [UInt16], into out: inout String) {
        guard !units.isEmpty else { return }
        out += String(decoding: units, as: UTF16.self)
        units.removeAll()
    }

    private static func control(_ letter: UInt8) -> UInt8 {
        switch letter {
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: letter
        }
    }

    static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
