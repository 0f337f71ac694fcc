// SPDX-License-Identifier: Apache-2.0
package import Cryptography
import Glibc
import JSONCoding
package import LucarneCore
import Synchronization

/// Decides who is asking, from the token they show: the same for every feature.
package final class Authenticator: Sendable {
    private let verifier: TokenVerifier
    private let rolePath: RolePath
    private let anonymous: Identity?
    private let cache: Mutex<TokenCache<Known>>

    /// What a token was found to say: made once, not for each request.
    private struct Known: Sendable {
        let token: VerifiedToken
        let identity: Identity
    }

    /// Without an anonymous role, a request without a token is refused.
    package init(
        verifier: TokenVerifier,
        rolePath: RolePath = .standard,
        anonymousRole: String?,
        cacheEntriesMax: Int = 1_000
    ) {
        self.verifier = verifier
        self.rolePath = rolePath
        anonymous = anonymousRole.map { role in
            let claims = JSONValue.object([("role", .string(role))]).compactText
            return Identity(role: role, claims: claims, isAnonymous: true)
        }
        cache = Mutex(TokenCache(entriesMax: cacheEntriesMax))
    }

    package func identify(_ token: [UInt8]?) throws(TokenFailure) -> Identity {
        guard let token else {
            guard let anonymous else { throw .tokenMissing }
            return anonymous
        }
        let now = time(nil)
        if let known = cache.withLock({ $0.find(token, now: now) }) {
            try verifier.check(known.token, now: now)
            return known.identity
        }
        let verified = try verifier.verify(token.span)
        try verifier.check(verified, now: now)
        let identity = try identity(of: verified)
        let known = Known(token: verified, identity: identity)
        cache.withLock { $0.insert(known, expiry: verified.expiry, for: token) }
        return identity
    }

    private func identity(of token: VerifiedToken) throws(TokenFailure) -> Identity {
        guard let role = rolePath.role(in: token.claims) ?? anonymous?.role else {
            throw .tokenMissing
        }
        return Identity(
            role: role,
            claims: token.claimsText(role: role),
            isAnonymous: role == anonymous?.role
        )
    }

    /// The token of an `Authorization: Bearer …` header (RFC 6750 §2.1); nil for other schemes.
    package static func bearerToken(_ header: String) -> [UInt8]? {
        let bytes = Array(header.utf8)
        let scheme = bytes.prefix { $0 != 0x20 && $0 != 0x09 }
        guard String(decoding: scheme, as: UTF8.self).lowercased() == "bearer" else { return nil }
        return Array(bytes.dropFirst(scheme.count).drop { $0 == 0x20 || $0 == 0x09 })
    }
}
