// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// One key that tokens may be signed with: a shared secret or somebody's public key (RFC 7517).
package struct VerificationKey: Sendable {
    enum Material: Sendable {
        case secret([UInt8])
        case rsa(PublicKey)
        case elliptic(PublicKey, Curve)
        case edwards(PublicKey)
    }

    let material: Material
    let id: String?
    /// The only algorithm the key may be used with, when its owner said so.
    let algorithm: SignatureAlgorithm?

    /// A plain secret, which signs with HS256 and nothing else.
    package init(secret: [UInt8]) {
        material = .secret(secret)
        id = nil
        algorithm = .hs256
    }

    /// Nil for what is no usable verification key: another type, another use, missing members.
    package init?(jwk: JSONValue) {
        guard jwk["use"].map({ $0 == "sig" }) ?? true,
            jwk["key_ops"]?.array.map({ $0.contains("verify") || $0.contains("sign") }) ?? true,
            let material = Self.material(of: jwk)
        else { return nil }
        let algorithm = jwk["alg"]?.string
        if algorithm != nil, algorithm.flatMap(SignatureAlgorithm.init) == nil { return nil }
        self.material = material
        self.algorithm = algorithm.flatMap(SignatureAlgorithm.init)
        id = jwk["kid"]?.string
    }

    /// RFC 7515 §4.1.4: an id in the token picks the key, so one without serves tokens without, as
    /// PostgREST has it.
    func isSuitable(for algorithm: SignatureAlgorithm, id wanted: String?) -> Bool {
        if let wanted, wanted != id { return false }
        if let only = self.algorithm, only != algorithm { return false }
        switch (material, algorithm.family) {
        case (.secret, .hmac), (.rsa, .rsa), (.rsa, .rsaPSS),
            (.edwards, .edwards):
            return true
        case (.elliptic(_, let curve), .ecdsa): return curve.algorithm == algorithm
        default: return false
        }
    }

    func verifies(
        _ signature: [UInt8],
        of message: Span<UInt8>,
        by algorithm: SignatureAlgorithm
    ) -> Bool {
        switch material {
        case .secret(let secret):
            let expected = algorithm.digest?.authenticate(message, key: secret)
            return expected.map { constantTimeEquals($0, signature) } ?? false
        case .rsa(let key), .edwards(let key):
            return key.verifies(signature, of: message, by: algorithm)
        case .elliptic(let key, let curve):
            guard signature.count == 2 * curve.coordinateBytes else { return false }
            return key.verifies(signature, of: message, by: algorithm)
        }
    }

    private static func material(of jwk: JSONValue) -> Material? {
        let bytes = { (name: String) in jwk[name]?.string.flatMap { Base64.url.decode($0) } }
        switch jwk["kty"]?.string {
        case "oct":
            return bytes("k").map { .secret($0) }
        case "RSA":
            guard let n = bytes("n"), let e = bytes("e") else { return nil }
            return PublicKey(modulus: n, exponent: e).map { .rsa($0) }
        case "EC":
            guard let curve = jwk["crv"]?.string.flatMap(Curve.init), let x = bytes("x"),
                let y = bytes("y")
            else { return nil }
            return PublicKey(curve: curve, x: x, y: y).map { .elliptic($0, curve) }
        case "OKP":
            guard let curve = jwk["crv"]?.string.flatMap(EdwardsCurve.init), let x = bytes("x")
            else { return nil }
            return PublicKey(curve: curve, x: x).map { .edwards($0) }
        default:
            return nil
        }
    }
}

/// Why a configured secret or key set cannot be used.
package enum KeySetFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case tooShort
    case noUsableKey
    case notBase64

    package var description: String {
        switch self {
        case .tooShort: "The JWT secret must be at least 32 characters long."
        case .notBase64: "the JWT secret is not base64"
        case .noUsableKey: "the JWT key set holds no key that can verify a signature"
        }
    }
}

extension VerificationKey {
    /// A secret as it is configured: a JWK set, one JWK, or the secret itself.
    package static func keys(configured secret: [UInt8]) throws(KeySetFailure) -> [Self] {
        if let document = try? JSONValue(parsing: secret), document.members != nil {
            let candidates = document["keys"]?.array ?? [document]
            let keys = candidates.compactMap { VerificationKey(jwk: $0) }
            guard !keys.isEmpty else { throw .noUsableKey }
            return keys
        }
        guard secret.count >= 32 else { throw .tooShort }
        return [VerificationKey(secret: secret)]
    }
}
