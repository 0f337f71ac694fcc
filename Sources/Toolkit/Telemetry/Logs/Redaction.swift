// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// What must not reach a log: recognised by the name it goes by, or by its shape.
package enum Redaction {
    package enum Rule: String, EventLabel { case key, jwt, bearer, password }

    static let mark: StaticString = "[redacted]"

    /// The only secret's name with this first letter and this length; most have none.
    @inline(__always)
    private static func name(_ first: UInt8, _ length: Int) -> StaticString? {
        switch (Unicode.Scalar(first | 0x20), length) {
        case ("a", 6): "apikey"
        case ("a", 7): "api_key"
        case ("a", 12): "access_token"
        case ("a", 13): "authorization"
        case ("c", 4): "code"
        case ("c", 6): "cookie"
        case ("i", 8): "id_token"
        case ("j", 3): "jwt"
        case ("k", 3): "key"
        case ("p", 3): "pwd"
        case ("p", 6): "passwd"
        case ("p", 8): "password"
        case ("p", 19): "proxy-authorization"
        case ("r", 13): "refresh_token"
        case ("s", 3): "sig"
        case ("s", 6): "secret"
        case ("s", 9): "signature"
        case ("s", 10): "set-cookie"
        case ("t", 5): "token"
        case ("x", 9): "x-api-key"
        default: nil
        }
    }

    /// Field names are ours: for a literal, this is decided when the program is compiled.
    @inline(__always)
    static func isSecretField(_ key: StaticString) -> Bool {
        guard let name = unsafe name(key.utf8Start.pointee, key.utf8CodeUnitCount) else {
            return false
        }
        return key.text == name.text
    }

    /// A text without what has the shape of a secret, and the rules that found something.
    package static func masked(_ text: String) -> (text: String, rules: [Rule]) {
        guard mayHoldSecret(text) else { return (text, []) }
        var bytes = Array(text.utf8)
        var rules: [Rule] = []
        if mask(&bytes, prefix: "eyJ", while: isTokenByte, keepsPrefix: false) {
            rules.append(.jwt)
        }
        for word in ["Bearer ", "bearer "] as [StaticString]
        where mask(&bytes, prefix: word, while: isTokenByte) {
            rules.append(.bearer)
        }
        let isPassword =
            mask(&bytes, prefix: "assword=", while: isParameterByte)
            || maskUserInfo(&bytes)
        if isPassword { rules.append(.password) }
        return (String(decoding: bytes, as: UTF8.self), rules)
    }

    /// What the shapes cannot do without; most texts have none of it, and are many.
    private static let marks: [StaticString] = ["eyJ", "earer ", "assword=", "://"]

    private static func mayHoldSecret(_ text: String) -> Bool {
        unsafe text.utf8Span.span.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            return marks.contains { mark in
                unsafe memmem(start, bytes.count, mark.utf8Start, mark.utf8CodeUnitCount) != nil
            }
        }
    }

    /// Replaces the run of bytes that follows each `prefix`.
    private static func mask(
        _ bytes: inout [UInt8],
        prefix: StaticString,
        while belongs: (UInt8) -> Bool,
        keepsPrefix: Bool = true
    ) -> Bool {
        let needle = Array(prefix.text.utf8)
        var found = false
        var index = 0
        while let start = position(of: needle, in: bytes, from: index) {
            let first = start + needle.count
            var end = first
            while end < bytes.count, belongs(bytes[end]) { end += 1 }
            index = first
            guard end - first >= (keepsPrefix ? 1 : 10) else { continue }
            let replaced = keepsPrefix ? first..<end : start..<end
            bytes.replaceSubrange(replaced, with: mark.text.utf8)
            index = replaced.lowerBound + mark.utf8CodeUnitCount
            found = true
        }
        return found
    }

    /// `scheme://user:secret@host`: the part between the colon and the last `@` of the authority.
    private static func maskUserInfo(_ bytes: inout [UInt8]) -> Bool {
        var found = false
        var index = 0
        while let start = position(of: Array("://".utf8), in: bytes, from: index) {
            index = start + 3
            var colon: Int?
            var at: Int?
            scan: for position in index..<bytes.count {
                switch bytes[position] {
                case UInt8(ascii: ":"): colon = colon ?? position
                case UInt8(ascii: "@"): at = position
                case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: " "): break scan
                default: break
                }
            }
            guard let colon, let at, colon < at else { continue }
            bytes.replaceSubrange(colon + 1..<at, with: mark.text.utf8)
            index = colon + 1 + mark.utf8CodeUnitCount
            found = true
        }
        return found
    }

    private static func position(of needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= needle.count, start <= bytes.count - needle.count else { return nil }
        return (start...bytes.count - needle.count).first { candidate in
            needle.indices.allSatisfy { bytes[candidate + $0] == needle[$0] }
        }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func isParameterByte(_ byte: UInt8) -> Bool {
        byte > UInt8(ascii: " ") && byte != UInt8(ascii: "&") && byte != UInt8(ascii: ";")
    }
}
