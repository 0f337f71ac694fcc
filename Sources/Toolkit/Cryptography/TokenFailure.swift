// SPDX-License-Identifier: Apache-2.0

/// Why a token was not accepted, in PostgREST's words and codes.
///
/// Closed, and the same for every wrong signature: nothing here tells a guesser how close they were.
package enum TokenFailure: Error, Equatable, Sendable {
    case secretMissing
    case tokenMissing
    case empty
    case parts(Int)
    case malformed
    case unsecured
    case noSuitableKey
    case signatureMismatch
    case claimsMalformed
    case expired
    case notYetValid
    case issuedInFuture
    case notInAudience
    case claimNotNumber(TimeClaim)
    case audienceMalformed

    package enum TimeClaim: String, Sendable { case exp, nbf, iat }

    package var code: String {
        switch self {
        case .secretMissing: "PGRST300"
        case .empty, .parts, .malformed, .unsecured, .noSuitableKey, .signatureMismatch:
            "PGRST301"
        case .tokenMissing: "PGRST302"
        case .claimsMalformed, .expired, .notYetValid, .issuedInFuture, .notInAudience,
            .claimNotNumber, .audienceMalformed:
            "PGRST303"
        }
    }

    package var status: Int { self == .secretMissing ? 500 : 401 }

    package var message: String {
        switch self {
        case .secretMissing: "Server lacks JWT secret"
        case .tokenMissing: "Anonymous access is disabled"
        case .empty: "Empty JWT is sent in Authorization header"
        case .parts(let count): "Expected 3 parts in JWT; got \(count)"
        case .malformed: "JWT cryptographic operation failed"
        case .unsecured: "Wrong or unsupported encoding algorithm"
        case .noSuitableKey, .signatureMismatch: "No suitable key or wrong key type"
        case .claimsMalformed: "Parsing claims failed"
        case .expired: "JWT expired"
        case .notYetValid: "JWT not yet valid"
        case .issuedInFuture: "JWT issued at future"
        case .notInAudience: "JWT not in audience"
        case .claimNotNumber(let claim): "The JWT '\(claim.rawValue)' claim must be a number"
        case .audienceMalformed:
            "The JWT 'aud' claim must be a string or an array of strings"
        }
    }

    package var details: String? {
        switch self {
        case .unsecured: "JWT is unsecured but expected 'alg' was not 'none'"
        case .noSuitableKey: "No suitable key was found to decode the JWT"
        case .signatureMismatch: "None of the keys was able to decode the JWT"
        default: nil
        }
    }

    /// RFC 6750 §3: what the refusal says about how to sign in. Nil when it is not the client's fault.
    package var authenticateHeader: String? {
        switch self {
        case .secretMissing: nil
        case .tokenMissing: "Bearer"
        default: "Bearer error=\"invalid_token\", error_description=\"\(message)\""
        }
    }
}
