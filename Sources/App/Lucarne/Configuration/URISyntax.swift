// SPDX-License-Identifier: Apache-2.0

extension String {
    /// Whether this is a URI with its scheme (RFC 3986 §3).
    var isURI: Bool {
        guard let colon = utf8.firstIndex(of: UInt8(ascii: ":")), Self.isScheme(utf8[..<colon])
        else { return false }
        var rest = utf8[utf8.index(after: colon)...]
        if rest.starts(with: "//".utf8) {
            let authority = rest.dropFirst(2).prefix { !"/?#".utf8.contains($0) }
            guard Self.isAuthority(authority) else { return false }
            rest = rest[authority.endIndex...]
        }
        let parts = rest.split(separator: UInt8(ascii: "#"), omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { Self.holds($0, only: ":@/?") }
    }

    private static func isScheme(_ text: Substring.UTF8View) -> Bool {
        guard let first = text.first, first.isLetter else { return false }
        return text.allSatisfy { $0.isLetter || $0.isDigit || "+-.".utf8.contains($0) }
    }

    private static func isAuthority(_ text: Substring.UTF8View) -> Bool {
        let at = text.lastIndex(of: UInt8(ascii: "@")).map(text.index(after:))
        let place = text[(at ?? text.startIndex)...]
        let port = place.reversed().prefix(while: \.isDigit)
        var host = place.dropLast(port.count)
        if host.last == UInt8(ascii: ":") { host.removeLast() } else { host = place }
        if host.first == UInt8(ascii: "["), host.last == UInt8(ascii: "]") {
            host = host.dropFirst().dropLast()
            return !host.isEmpty && holds(host, only: ":")
        }
        return holds(host, only: "") && holds(text[..<place.startIndex], only: ":@")
    }

    /// Unreserved characters, sub-delimiters, escapes, and `others` (RFC 3986 §2).
    private static func holds(_ text: Substring.UTF8View, only others: String) -> Bool {
        var rest = text
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%") {
                let digits = rest.prefix(2)
                guard digits.count == 2, UInt8(Substring(digits), radix: 16) != nil else {
                    return false
                }
                rest = rest.dropFirst(2)
            } else if !byte.isLetter, !byte.isDigit, !"-._~!$&'()*+,;=".utf8.contains(byte),
                !others.utf8.contains(byte)
            {
                return false
            }
        }
        return true
    }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (65...90).contains(self) || (97...122).contains(self) }
    fileprivate var isDigit: Bool { (48...57).contains(self) }
}
