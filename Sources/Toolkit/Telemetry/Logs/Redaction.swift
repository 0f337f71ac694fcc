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
        // As it is meant first: of a secret that is encoded in part, the rest would stay.
        for isDecoded in bytes.contains(percent) ? [true, false] : [false] {
            func mask(_ rule: Rule, _ find: (RedactedText) -> [Range<Int>]) {
                let text = RedactedText(bytes, isDecoded: isDecoded)
                let found = find(text)
                guard !found.isEmpty else { return }
                bytes = text.source(without: found)
                if !rules.contains(rule) { rules.append(rule) }
            }
            mask(.jwt) { $0.runs("eyJ", isPart: true) { text, at in isTokenByte(text.bytes[at]) } }
            for word in ["Bearer ", "bearer ", "Bearer+", "bearer+"] as [StaticString] {
                mask(.bearer) {
                    $0.runs(word) { text, at in
                        isTokenByte(text.bytes[at]) || text.isBlank(at) && text.isBlank(at - 1)
                    }
                }
            }
            mask(.password) {
                $0.runs("assword=") { text, at in
                    text.isEncoded(at) || isParameterByte(text.bytes[at])
                }
            }
            mask(.password) { $0.passwordsOfUsers() }
        }
        return (String(decoding: bytes, as: UTF8.self), rules)
    }

    private static let percent = UInt8(ascii: "%")

    /// What the shapes cannot do without; most texts have none of it, and are many.
    private static let marks: [StaticString] = ["eyJ", "earer ", "earer+", "assword=", "://"]

    private static func mayHoldSecret(_ text: String) -> Bool {
        unsafe text.utf8Span.span.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            let isPlain = unsafe memchr(start, Int32(percent), bytes.count) == nil
            if !isPlain, unsafe may_encode_secret(start, bytes.count) != 0 { return true }
            return marks.contains { mark in
                unsafe memmem(start, bytes.count, mark.utf8Start, mark.utf8CodeUnitCount) != nil
            }
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

/// A text as it stands, or with its percent-encoding undone; and where each byte comes from.
private struct RedactedText {
    private let source: [UInt8]
    private let isDecoded: Bool
    private(set) var bytes: [UInt8] = []
    private var starts: [Int] = []

    init(_ source: [UInt8], isDecoded: Bool) {
        self.source = source
        self.isDecoded = isDecoded
        bytes.reserveCapacity(source.count)
        starts.reserveCapacity(source.count + 1)
        var index = 0
        while index < source.count {
            let byte = isDecoded ? source[...].percentDecoded(at: index) : nil
            bytes.append(byte ?? source[index])
            starts.append(index)
            index += byte == nil ? 1 : 3
        }
        starts.append(index)
    }

    func isEncoded(_ position: Int) -> Bool { starts[position + 1] - starts[position] > 1 }

    func isBlank(_ position: Int) -> Bool {
        bytes[position] == UInt8(ascii: " ") || bytes[position] == UInt8(ascii: "\t")
    }

    func source(without ranges: [Range<Int>]) -> [UInt8] {
        var rest: [UInt8] = []
        var end = 0
        for range in ranges {
            rest += source[end..<starts[range.lowerBound]]
            rest += Redaction.mark.text.utf8
            end = starts[range.upperBound]
        }
        return rest + source[end...]
    }

    /// What follows each prefix, or is begun by it.
    func runs(
        _ prefix: StaticString,
        isPart: Bool = false,
        while belongs: (RedactedText, Int) -> Bool
    ) -> [Range<Int>] {
        let needle = Array(prefix.text.utf8)
        var found: [Range<Int>] = []
        var index = 0
        while let start = position(of: needle, from: index) {
            let first = start + needle.count
            var end = first
            while end < bytes.count, belongs(self, end) { end += 1 }
            index = first
            guard end - first >= (isPart ? 10 : 1) else { continue }
            found.append(isPart ? start..<end : first..<end)
            index = end
        }
        return found
    }

    /// `scheme://user:secret@host`: the part between the colon and the last `@` of the authority.
    func passwordsOfUsers() -> [Range<Int>] {
        var found: [Range<Int>] = []
        var index = 0
        while let start = position(of: Array("://".utf8), from: index) {
            index = start + 3
            let isWhole = isEncoded(start) && isEncoded(start + 2)
            var colon: Int?
            var at: Int?
            var position = index
            scan: while position < bytes.count {
                switch bytes[position] {
                case UInt8(ascii: ":"): colon = colon ?? position
                case UInt8(ascii: "@"): at = position
                // Encoded, it ends what is encoded as a whole; of the rest it is a part.
                case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: " "):
                    if !isEncoded(position) || isWhole && isEncoded(colon ?? start) { break scan }
                // Of what is encoded, this is no part.
                case UInt8(ascii: "&") where isDecoded && !isEncoded(position): break scan
                default: break
                }
                position += 1
            }
            guard let colon, let at, colon < at else {
                // What begins within has none either, but for the one that this ended at.
                index = max(index, position - 2)
                continue
            }
            found.append(colon + 1..<at)
            index = at
        }
        return found
    }

    private func position(of needle: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= needle.count, start <= bytes.count - needle.count else { return nil }
        return (start...bytes.count - needle.count).first { candidate in
            needle.indices.allSatisfy { bytes[candidate + $0] == needle[$0] }
        }
    }
}

extension ArraySlice<UInt8> {
    /// The byte that `%41` stands for.
    func percentDecoded(at index: Int) -> UInt8? {
        guard self[index] == UInt8(ascii: "%"), index + 2 < endIndex else { return nil }
        let first = hexadecimal_digit(self[index + 1])
        let second = hexadecimal_digit(self[index + 2])
        return first < 0 || second < 0 ? nil : UInt8(first << 4 | second)
    }
}
