// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// Signs claims with a shared secret: the keys an application is given, and tests' tokens.
package struct TokenMint: Sendable {
    private let secret: [UInt8]
    private let keyID: String?

    package init(secret: [UInt8], keyID: String? = nil) {
        self.secret = secret
        self.keyID = keyID
    }

    package func mint(_ claims: JSONValue) -> String {
        var header: [(String, JSONValue)] = [("alg", "HS256"), ("typ", "JWT")]
        if let keyID { header.append(("kid", .string(keyID))) }
        let signed =
            Base64.url.encode(JSONValue.object(header).compactBytes) + "."
            + Base64.url.encode(claims.compactBytes)
        let signature = Digest.sha256.authenticate(Array(signed.utf8), key: secret)
        return signed + "." + Base64.url.encode(signature)
    }
}
