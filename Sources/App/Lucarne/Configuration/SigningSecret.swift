// SPDX-License-Identifier: Apache-2.0
package import Cryptography
internal import JSONCoding

/// What tokens are verified with and, where it is a plain secret, minted with.
package struct SigningSecret: Sendable {
    package let keys: [VerificationKey]
    /// Nil for public keys, which only verify.
    package let plain: [UInt8]?

    init(_ bytes: [UInt8]) throws(ConfigurationFailure) {
        do throws(KeySetFailure) {
            keys = try VerificationKey.keys(configured: bytes)
        } catch {
            throw ConfigurationFailure("jwt-secret: \(error)")
        }
        let isDocument = (try? JSONValue(parsing: bytes))?.members != nil
        plain = isDocument ? nil : bytes
    }

    /// Why a secret must not guard anything real; nil when nothing speaks against it.
    package var weakness: String? { plain.flatMap(Self.weakness(of:)) }

    static func weakness(of secret: [UInt8]) -> String? {
        if secret.count < 32 { return "it has fewer than 32 bytes" }
        if Self.known.contains(String(decoding: secret, as: UTF8.self)) {
            return "it is printed in public documentation"
        }
        if Set(secret).count < 8 { return "it repeats a few characters" }
        return nil
    }

    /// Secrets out of tutorials and sample files, which everyone who wants in tries first.
    private static let known: Set = [
        "super-secret-jwt-token-with-at-least-32-characters-long",
        "your-super-secret-jwt-token-with-at-least-32-characters-long",
        "reallyreallyreallyreallyverysafe", "reallyreallyreallyreallyverysafesecret",
        "your-256-bit-secret-your-256-bit-secret", "a-string-secret-at-least-256-bits-long",
        "37c304f8-d2ac-4a7d-a9d4-4c5c9b1a2a3d", "mysecretmysecretmysecretmysecret",
        "changemechangemechangemechangeme", "password_must_be_at_least_32_chars_long",
    ]
}

extension SigningSecret {
    /// What a setting says, or the file it names.
    static func text(written text: String) throws(ConfigurationFailure) -> String {
        text.hasPrefix("@") ? try contents(of: String(text.dropFirst())) : text
    }

    /// Maybe in base64, of either alphabet.
    static func bytes(
        of text: String,
        isBase64: Bool
    ) throws(ConfigurationFailure) -> [UInt8] {
        guard isBase64 else { return Array(text.utf8) }
        guard let bytes = Base64.decode(secret: text) else {
            throw ConfigurationFailure("jwt-secret: its value is not base64")
        }
        return bytes
    }

    /// Nothing is no secret: whoever asks with an empty one would be let in.
    static func contents(of path: String) throws(ConfigurationFailure) -> String {
        var text: String
        do throws(FileFailure) {
            text = try Files.readText(path)
        } catch {
            throw ConfigurationFailure("cannot read \(error)")
        }
        // "\r\n" is one Character.
        if text.hasSuffix("\n") || text.hasSuffix("\r\n") { text.removeLast() }
        guard !text.trimmed.isEmpty else {
            throw ConfigurationFailure("cannot read \(path): it is empty")
        }
        return text
    }

    static func path(in directory: String) -> String { directory + "/jwt-secret" }

    /// Development's own: made once, kept beside the database it belongs to.
    static func generated(in directory: String) throws(ConfigurationFailure) -> String {
        let path = path(in: directory)
        if Files.exists(path) { return try contents(of: path) }
        let secret = Base64.url.encode(randomBytes(36))
        do throws(FileFailure) {
            try Files.makeDirectory(directory, mode: 0o755)
            try Files.create(path, Array((secret + "\n").utf8), mode: 0o600)
        } catch {
            // Two processes may start at once: the one that came first is right.
            if Files.exists(path) { return try contents(of: path) }
            throw ConfigurationFailure("data-directory: cannot keep a generated secret: \(error)")
        }
        return secret
    }
}
