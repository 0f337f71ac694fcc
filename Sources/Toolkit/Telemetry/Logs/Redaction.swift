// SPDX-License-Identifier: Apache-2.0
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

    /// A field or parameter whose value is a secret, whatever it looks like.
    package static func isSecret(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { text in unsafe isSecret(text) }
    }

    @unsafe private static func isSecret(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = unsafe text.first, let name = name(first, text.count) else {
            return false
        }
        return text.indices.allSatisfy { unsafe text[$0] | 0x20 == name.utf8Start[$0] | 0x20 }
    }

    /// Field names are ours: for a literal, this is decided when the program is compiled.
    @inline(__always)
    static func isSecretField(_ key: StaticString) -> Bool {
        guard unsafe name(key.utf8Start.pointee, key.utf8CodeUnitCount) != nil else { return false }
        return isSecret(key.text)
    }

    /// A text without what has the shape of a secret, and the rules that found something.
    package static func masked(_ text: String) -> (text: String, rules: [Rule]) {
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

extension Redaction {
    /// A query string with the values of secret parameters masked; `nil` when there are none.
    static func maskedQuery(_ query: ArraySlice<UInt8>) -> [UInt8]? {
        guard mayHoldSecret(query) else { return nil }
        var masked: [UInt8] = []
        var found = false
        for parameter in query.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        {
            if !masked.isEmpty { masked.append(UInt8(ascii: "&")) }
            let name = parameter.prefix { $0 != UInt8(ascii: "=") }
            guard name.count < parameter.count, isSecret(decoded(name)) else {
                masked.append(contentsOf: parameter)
                continue
            }
            masked.append(contentsOf: name)
            masked.append(UInt8(ascii: "="))
            masked.append(contentsOf: mark.text.utf8)
            found = true
        }
        return found ? masked : nil
    }

    /// Whether what stands before some equals sign ends as a secret's name does, or is encoded.
    private static func mayHoldSecret(_ query: ArraySlice<UInt8>) -> Bool {
        unsafe query.withUnsafeBufferPointer { query in
            var rest = unsafe query[...]
            let isEncoded = unsafe position(of: UInt8(ascii: "%"), in: rest) != nil
            while let sign = unsafe position(of: UInt8(ascii: "="), in: rest) {
                let before = unsafe rest[..<sign]
                if unsafe mayEndName(before) || isEncoded && hasEncodedName(before) {
                    return true
                }
                unsafe rest = rest[(sign + 1)...]
            }
            return false
        }
    }

    @inline(__always)
    @unsafe private static func position(
        of byte: UInt8,
        in text: Slice<UnsafeBufferPointer<UInt8>>
    ) -> Int? {
        let base = unsafe text.base.baseAddress
        guard let base = unsafe base, unsafe !text.isEmpty,
            let found = unsafe memchr(base + text.startIndex, Int32(byte), text.count)
        else { return nil }
        return unsafe UnsafeRawPointer(base).distance(to: UnsafeRawPointer(found))
    }

    @inline(__always)
    @unsafe private static func mayEndName(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard unsafe text.count >= 3 else { return false }
        func letter(_ back: Int) -> Unicode.Scalar {
            unsafe Unicode.Scalar(text[text.endIndex - back] | 0x20)
        }
        return switch (letter(3), letter(2), letter(1)) {
        case ("k", "e", "y"), ("k", "e", "n"), ("i", "o", "n"), ("o", "d", "e"), ("k", "i", "e"),
            ("u", "r", "e"), ("j", "w", "t"), ("r", "e", "t"), ("p", "w", "d"), ("s", "w", "d"),
            ("o", "r", "d"), ("s", "i", "g"):
            true
        default: false
        }
    }

    @unsafe private static func hasEncodedName(
        _ text: Slice<UnsafeBufferPointer<UInt8>>
    ) -> Bool {
        let start = unsafe text.lastIndex(of: UInt8(ascii: "&")) ?? text.startIndex
        return unsafe position(of: UInt8(ascii: "%"), in: text[start...]) != nil
    }

    /// A name may be percent-encoded, which must not be a way around the mask.
    private static func decoded(_ name: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var index = name.startIndex
        while index < name.endIndex {
            if name[index] == UInt8(ascii: "%"), index + 2 < name.endIndex,
                let byte = UInt8(
                    String(decoding: name[index + 1...index + 2], as: UTF8.self),
                    radix: 16
                )
            {
                bytes.append(byte)
                index += 3
            } else {
                bytes.append(name[index])
                index += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
