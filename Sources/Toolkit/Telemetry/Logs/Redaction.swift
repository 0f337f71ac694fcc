// SPDX-License-Identifier: Apache-2.0

/// What must not reach a log: recognised by the name it goes by, or by its shape.
package enum Redaction {
    package enum Rule: String, EventLabel { case key, jwt, bearer, password }

    static let mark: StaticString = "[redacted]"

    private static let names: Set<String> = [
        "access_token", "api_key", "apikey", "authorization", "code", "cookie", "id_token", "jwt",
        "key", "passwd", "password", "proxy-authorization", "pwd", "refresh_token", "secret",
        "set-cookie", "sig", "signature", "token", "x-api-key",
    ]

    /// A field or parameter whose value is a secret, whatever it looks like.
    package static func isSecret(_ name: some StringProtocol) -> Bool {
        guard name.utf8.count <= 24 else { return false }
        return names.contains(name.lowercased())
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

    /// Whether some parameter's name begins like a secret's and is as long, or is encoded.
    private static func mayHoldSecret(_ query: ArraySlice<UInt8>) -> Bool {
        var start = query.startIndex
        var isName = true
        for index in query.indices {
            switch query[index] {
            case UInt8(ascii: "&"):
                start = index + 1
                isName = true
            case UInt8(ascii: "%") where isName: return true
            case UInt8(ascii: "=") where isName:
                isName = false
                guard index > start else { continue }
                let first = Unicode.Scalar(query[start] | 0x20)
                if mayBeSecret(first, length: index - start),
                    isSecret(String(decoding: query[start..<index], as: UTF8.self))
                {
                    return true
                }
            default: break
            }
        }
        return false
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
