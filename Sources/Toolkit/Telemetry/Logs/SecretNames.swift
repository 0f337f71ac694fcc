// SPDX-License-Identifier: Apache-2.0
import CLinux

/// The names under which a request's parameters are secrets: recognised by the words that they are
/// made of, for nobody knows all names. `clientSecret` and `X-Amz-Signature` are some, `secretary`
/// and `order` are none.
package struct SecretNames: Sendable {
    /// Each name is looked at as its words in lower case, with a hyphen before, between and after.
    private static let known: [[UInt8]] = [
        "secret-", "secrets-", "token-", "tokens-", "password-", "passwords-", "passwd-", "pwd-",
        "passphrase-", "credential-", "credentials-", "signature-", "-sig-", "jwt-",
        "authorization-", "cookie-", "cookies-", "apikey-", "accesskey-", "privatekey-",
        "secretkey-", "api-key-", "access-key-", "private-key-", "signing-key-", "encryption-key-",
        "account-key-", "subscription-key-",
    ].map { Array($0.utf8) }
    /// Harmless as a part of something longer: `country_code`, `primary_key`.
    private static let knownAlone: [[UInt8]] = ["-key-", "-code-"].map { Array($0.utf8) }

    private let added: [[UInt8]]

    package init(adding names: [String] = []) {
        added = names.map { Self.words(Array($0.utf8)[...]) }
    }

    /// A query string with the values of secret parameters masked; nil when there are none.
    package func masked(query: ArraySlice<UInt8>) -> [UInt8]? {
        guard !added.isEmpty || Self.mayHoldSecret(query) else { return nil }
        var masked: [UInt8] = []
        var end = query.startIndex
        for value in values(in: query) {
            masked.append(contentsOf: query[end..<value.startIndex])
            masked.append(contentsOf: Redaction.mark.text.utf8)
            end = value.endIndex
        }
        guard end > query.startIndex else { return nil }
        return masked + query[end...]
    }

    /// What is said about a query, without the secrets that it quotes.
    func masked(_ message: String, about query: ArraySlice<UInt8>) -> String {
        guard !added.isEmpty || Self.mayHoldSecret(query) else { return message }
        let values = values(in: query).flatMap { $0.split(separator: UInt8(ascii: ";")) }
        return values.reduce(message) { message, value in
            let spaced = value.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }
            let quoted = String(decoding: Self.decoded(spaced[...]), as: UTF8.self)
            // Less is no secret, and may be a part of any word.
            return quoted.utf8.count < 4
                ? message : message.replacing(quoted, with: Redaction.mark.text)
        }
    }

    private func values(in query: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        query.split(separator: UInt8(ascii: "&")).compactMap { parameter in
            // To REST, a parameter ends at `;` too; to others, that is a part of the value.
            parameter.split(separator: UInt8(ascii: ";")).lazy.compactMap(secret).first.map {
                parameter[$0.startIndex...]
            }
        }
    }

    /// The value of one parameter, where it is a secret.
    private func secret(in parameter: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let encoded = parameter.prefix { $0 != UInt8(ascii: "=") }
        guard encoded.count < parameter.count else { return nil }
        let value = parameter.dropFirst(encoded.count + 1)
        let name = Self.decoded(encoded)
        return contains(name) || Self.isLogic(name) && hasSecret(Self.decoded(value)) ? value : nil
    }

    private func contains(_ name: ArraySlice<UInt8>) -> Bool {
        let words = Self.words(name)
        return Self.knownAlone.contains(words)
            || (Self.known + added).contains { words.firstRange(of: $0) != nil }
    }

    /// Whether the value holds conditions, of whatever columns: `or`, `not.and`, `planets.or`.
    private static func isLogic(_ name: ArraySlice<UInt8>) -> Bool {
        let word = name.split(separator: UInt8(ascii: ".")).last.map { $0.map { $0 | 0x20 } }
        return word == Array("or".utf8) || word == Array("and".utf8)
    }

    /// `(id.eq.1,reset_token.eq.x)` has. What is compared is looked at too: it cannot be told from
    /// a name without reading the whole condition, and a malformed one has secrets as well.
    private func hasSecret(_ conditions: ArraySlice<UInt8>) -> Bool {
        conditions.split { "(),.".utf8.contains($0) }.contains(where: contains)
    }

    /// `clientSecret` and `Client_Secret` are `-client-secret-`.
    private static func words(_ name: ArraySlice<UInt8>) -> [UInt8] {
        let hyphen = UInt8(ascii: "-")
        var words = [hyphen]
        var wasSmall = false
        for byte in name {
            let isLarge = UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
            let isSmall = UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
            let isWord = isLarge || isSmall || 0x30...0x39 ~= byte || byte >= 0x80
            if words.last != hyphen, !isWord || isLarge && wasSmall { words.append(hyphen) }
            if isWord { words.append(isLarge ? byte | 0x20 : byte) }
            wasSmall = isSmall
        }
        if words.last != hyphen { words.append(hyphen) }
        return words
    }

    /// A name may be percent-encoded, which must not be a way around the mask.
    private static func decoded(_ name: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes: [UInt8] = []
        var index = name.startIndex
        while index < name.endIndex {
            let byte = name.percentDecoded(at: index)
            bytes.append(byte ?? name[index])
            index += byte == nil ? 1 : 3
        }
        return bytes[...]
    }
}

extension SecretNames {
    /// Every request with a query is asked.
    private static func mayHoldSecret(_ query: ArraySlice<UInt8>) -> Bool {
        unsafe query.withUnsafeBufferPointer { query in
            guard let start = query.baseAddress else { return false }
            return unsafe may_name_secret(start, query.count) != 0
        }
    }
}
