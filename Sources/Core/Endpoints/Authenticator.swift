// SPDX-License-Identifier: Apache-2.0
package import Cryptography
import Glibc
import JSONCoding
package import LucarneCore
import Synchronization
package import Telemetry

/// Decides who is asking, from the token they show: the same for every feature.
package final class Authenticator: Sendable {
    private let verifier: TokenVerifier
    private let rolePath: RolePath
    private let anonymous: Identity?
    private let observe: @Sendable (AuthenticationEvent, RequestTrace?) -> Void
    private let cache: Mutex<TokenCache<Known>>
    private let cacheTelemetry: CacheTelemetry

    /// What a token was found to say: made once, not for each request.
    private final class Known: Sendable {
        let token: VerifiedToken
        let identity: Identity

        init(_ token: VerifiedToken, _ identity: Identity) {
            self.token = token
            self.identity = identity
        }
    }

    /// Without an anonymous role, a request without a token is refused.
    package init(
        verifier: TokenVerifier,
        rolePath: RolePath = .standard,
        anonymousRole: String?,
        cacheEntriesMax: Int = 1_000,
        observe: @escaping @Sendable (AuthenticationEvent, RequestTrace?) -> Void,
        cacheTelemetry: CacheTelemetry
    ) {
        self.verifier = verifier
        self.observe = observe
        self.cacheTelemetry = cacheTelemetry
        self.rolePath = rolePath
        anonymous = anonymousRole.map { role in
            let claims = JSONValue.object([("role", .string(role))]).compactText
            return Identity(role: role, claims: claims, isAnonymous: true)
        }
        cache = Mutex(TokenCache(entriesMax: cacheEntriesMax))
    }

    package func identify(
        _ token: ArraySlice<UInt8>?,
        shownAs scheme: AuthenticationEvent.Scheme = .bearer,
        in trace: RequestTrace? = nil
    ) throws(TokenFailure) -> Identity {
        let started = uptimeNanoseconds()
        let scheme = token == nil ? .anonymous : scheme
        do throws(TokenFailure) {
            let identity = try identity(shownBy: token)
            observe(.decided(scheme, .ok, nanoseconds: uptimeNanoseconds() &- started), trace)
            return identity
        } catch {
            let took = uptimeNanoseconds() &- started
            observe(.decided(scheme, AuthenticationEvent.Outcome(error), nanoseconds: took), trace)
            throw error
        }
    }

    private func identity(shownBy token: ArraySlice<UInt8>?) throws(TokenFailure) -> Identity {
        guard let token else {
            guard let anonymous else { throw .tokenMissing }
            return anonymous
        }
        let now = time(nil)
        if let known = known(by: token, now: now) {
            try verifier.check(known.token, now: now)
            return known.identity
        }
        let verified = try verifier.verify(token.span)
        try verifier.check(verified, now: now)
        let identity = try identity(of: verified)
        let known = Known(verified, identity)
        let events = cache.withLock {
            $0.insert(
                known,
                bytes: identity.claims.utf8.count,
                expiry: verified.expiry,
                for: token,
                now: now
            )
        }
        for event in events { cacheTelemetry.report(event) }
        return identity
    }

    private func known(by token: ArraySlice<UInt8>, now: Int) -> Known? {
        switch cache.withLock({ $0.find(token, now: now) }) {
        case .hit(let known):
            cacheTelemetry.report(.lookedUp(.hit))
            return known
        case .miss: cacheTelemetry.report(.lookedUp(.miss))
        case .stale(let bytes):
            cacheTelemetry.report(.lookedUp(.stale))
            cacheTelemetry.report(.evicted(.expired, bytes: bytes))
        }
        return nil
    }

    /// Other keys, or other settings: what this one knows is nobody's any more.
    deinit {
        let (count, bytes) = cache.withLock { ($0.count, $0.bytes) }
        cacheTelemetry.report(.evicted(.invalidated, entries: count, bytes: bytes))
    }

    private func identity(of token: VerifiedToken) throws(TokenFailure) -> Identity {
        guard let role = rolePath.role(in: token.claims) ?? anonymous?.role else {
            throw .tokenMissing
        }
        return Identity(
            role: role,
            claims: token.claimsText(role: role),
            isAnonymous: role == anonymous?.role,
            subject: token.claims["sub"]?.string ?? ""
        )
    }

    /// The token of an `Authorization: Bearer …` header (RFC 6750 §2.1); nil for other schemes.
    package static func bearerToken(_ header: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
        let scheme = header.prefix { !isBlank($0) }
        // Bit 5 tells upper from lower case among ASCII letters.
        guard scheme.elementsEqual("bearer".utf8, by: { $0 | 0x20 == $1 }) else { return nil }
        return header[scheme.endIndex...].drop(while: isBlank)
    }
}

extension AuthenticationEvent.Outcome {
    fileprivate init(_ failure: TokenFailure) {
        switch failure {
        case .tokenMissing: self = .missing
        case .expired: self = .expired
        case .notYetValid, .issuedInFuture: self = .notYetValid
        case .notInAudience: self = .badAudience
        case .signatureMismatch, .noSuitableKey: self = .badSignature
        case .secretMissing, .empty, .parts, .malformed, .unsecured, .claimsMalformed,
            .claimNotNumber, .audienceMalformed:
            self = .malformed
        }
    }
}
