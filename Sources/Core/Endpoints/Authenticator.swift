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
    private let cache: Mutex<TokenCache>

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
        let verified = try accept(token, now: time(nil))
        guard let role = rolePath.role(in: verified.claims) ?? anonymous?.role else {
            throw .tokenMissing
        }
        return Identity(
            role: role,
            claims: verified.claimsText(role: role),
            isAnonymous: role == anonymous?.role
        )
    }

    private func accept(_ token: [UInt8], now: Int) throws(TokenFailure) -> VerifiedToken {
        let known = cache.withLock { $0.find(token, now: now) }
        let verified: VerifiedToken
        if let known {
            verified = known
        } else {
            verified = try verifier.verify(token.span)
            cache.withLock { $0.insert(verified, for: token) }
        }
        try verifier.check(verified, now: now)
        return verified
    }

    /// The token of an `Authorization: Bearer …` header (RFC 6750 §2.1); nil for other schemes.
    package static func bearerToken(_ header: String) -> [UInt8]? {
        let bytes = Array(header.utf8)
        let scheme = bytes.prefix { $0 != 0x20 && $0 != 0x09 }
        guard String(decoding: scheme, as: UTF8.self).lowercased() == "bearer" else { return nil }
        return Array(bytes.dropFirst(scheme.count).drop { $0 == 0x20 || $0 == 0x09 })
    }
}
