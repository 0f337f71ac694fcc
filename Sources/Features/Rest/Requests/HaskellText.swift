// SPDX-License-Identifier: Apache-2.0

/// Bytes as Haskell's `show` prints a text of them (Haskell 2010 Report §2.6): what the dialect's
/// messages quote.
enum HaskellText {
    static func quoted(_ bytes: [UInt8]) -> String {
        var text = "\""
        for (index, byte) in bytes.enumerated() {
            text += escaped(byte)
            let next = index + 1 < bytes.count ? bytes[index + 1] : 0
            // What would be read as a part of the escape is kept apart from it.
            let isDigit = (48...57).contains(next)
            if byte > 127 && isDigit || byte == 14 && next == UInt8(ascii: "H") { text += "\\&" }
        }
        return text + "\""
    }

    private static func escaped(_ byte: UInt8) -> String {
        switch byte {
        case 0..<32: "\\" + controls[Int(byte)]
        case 127: "\\DEL"
        case 128...: "\\\(byte)"
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
        default: String(UnicodeScalar(byte))
        }
    }

    private static let controls = [
        "NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "a", "b", "t", "n", "v", "f", "r", "SO",
        "SI", "DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC",
        "FS", "GS", "RS", "US",
    ]
}
