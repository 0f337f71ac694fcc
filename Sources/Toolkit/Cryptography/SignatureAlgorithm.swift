// SPDX-License-Identifier: Apache-2.0

/// The JWS algorithms we verify (RFC 7518 §3.1). `none` has no case: it can never be asked for.
package enum SignatureAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    /// RFC 8037 §3.1.
    case edDSA = "EdDSA"

    enum Family { case hmac, rsa, rsaPSS, ecdsa, edwards }

    var family: Family {
        switch self {
        case .hs256, .hs384, .hs512: .hmac
        case .rs256, .rs384, .rs512: .rsa
        case .ps256, .ps384, .ps512: .rsaPSS
        case .es256, .es384, .es512: .ecdsa
        case .edDSA: .edwards
        }
    }

    /// Nil where the signature has a hash of its own.
    var digest: Digest? {
        switch self {
        case .hs256, .rs256, .ps256, .es256: .sha256
        case .hs384, .rs384, .ps384, .es384: .sha384
        case .hs512, .rs512, .ps512, .es512: .sha512
        case .edDSA: nil
        }
    }
}

/// The NIST curves of RFC 7518 §6.2.1.1, each bound to one algorithm (§3.4).
enum Curve: String {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"

    var coordinateBytes: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    var algorithm: SignatureAlgorithm {
        switch self {
        case .p256: .es256
        case .p384: .es384
        case .p521: .es512
        }
    }

    var groupName: String {
        switch self {
        case .p256: "prime256v1"
        case .p384: "secp384r1"
        case .p521: "secp521r1"
        }
    }
}

/// The Edwards curves of RFC 8037 §2, by the names libcrypto has for them too.
enum EdwardsCurve: String {
    case ed25519 = "Ed25519"
    case ed448 = "Ed448"

    var keyBytes: Int {
        switch self {
        case .ed25519: 32
        case .ed448: 57
        }
    }
}
