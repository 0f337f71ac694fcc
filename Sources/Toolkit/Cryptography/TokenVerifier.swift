// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

/// A token's claims after its signature was checked. Time and audience still have to be: they are
/// judged at each use, so that a cached token expires on time.
package struct VerifiedToken: Sendable {
    /// Always a JSON object.
    package let claims: JSONValue
    /// What is judged at each use, read once, of a token for this audience; nil where something
    /// is wrong with it, which is to be told at each use.
    fileprivate var hours: Hours?

    fileprivate struct Hours: Sendable {
        let exp: Int?
        let nbf: Int?
        let iat: Int?
    }

    /// The claims with the role that was found in them, as `request.jwt.claims` shows them.
    package func claimsText(role: String) -> String {
        var members = (claims.members ?? []).filter { $0.0 != "role" }
        members.append(("role", .string(role)))
        return JSONValue.object(members).compactText
    }

    /// After this time (seconds since 1970, leeway included) the token is of no use.
    package var expiry: Int? {
        claims["exp"]?.wholeSeconds.map { $0.addingReportingOverflow(TokenVerifier.leeway) }
            .map { $0.overflow ? Int.max : $0.partialValue }
    }
}

/// Checks JSON Web Tokens (RFC 7519) signed as JWS compact (RFC 7515 §3.1).
package struct TokenVerifier: Sendable {
    /// Seconds by which clocks may differ.
    package static let leeway = 30

    private let keys: [VerificationKey]
    private let audience: String?

    package init(keys: [VerificationKey], audience: String? = nil) {
        self.keys = keys
        self.audience = audience
    }

    /// Everything at once: signature, then claims.
    package func accept(_ token: [UInt8], now: Int) throws(TokenFailure) -> VerifiedToken {
        let verified = try verify(token.span)
        try check(verified, now: now)
        return verified
    }

    /// The part that costs something and never changes its mind, hence the part to cache.
    package func verify(_ token: Span<UInt8>) throws(TokenFailure) -> VerifiedToken {
        guard !keys.isEmpty else { throw .secretMissing }
        let parts = try TokenParts(token)
        guard let bytes = Base64.url.decode(token.extracting(parts.header)),
            let header = try? JSONValue(parsing: bytes), let name = header["alg"]?.string,
            header["crit"] == nil,
            let payload = Base64.url.decode(token.extracting(parts.payload))
        else { throw .malformed }
        // RFC 8725 §3.1: the caller decides which algorithms count. "none" is not one of them.
        guard name != "none" else { throw .unsecured }
        guard let algorithm = SignatureAlgorithm(rawValue: name) else { throw .malformed }
        try verify(token, parts, by: algorithm, keyID: header["kid"]?.string)
        guard let claims = try? JSONValue(parsing: payload), claims.members != nil else {
            throw .claimsMalformed
        }
        var verified = VerifiedToken(claims: claims)
        verified.hours = hours(of: verified)
        return verified
    }

    private func verify(
        _ token: Span<UInt8>,
        _ parts: TokenParts,
        by algorithm: SignatureAlgorithm,
        keyID: String?
    ) throws(TokenFailure) {
        guard let signature = Base64.url.decode(token.extracting(parts.signature)) else {
            throw .malformed
        }
        let suitable = keys.filter { $0.isSuitable(for: algorithm, id: keyID) }
        guard !suitable.isEmpty else { throw .noSuitableKey }
        let message = token.extracting(0..<parts.payload.upperBound)
        for key in suitable where key.verifies(signature, of: message, by: algorithm) { return }
        throw .signatureMismatch
    }
}

extension TokenVerifier {
    /// RFC 7519 §4.1.3 to §4.1.6.
    package func check(_ token: VerifiedToken, now: Int) throws(TokenFailure) {
        let earliest = now - Self.leeway
        let latest = now + Self.leeway
        if let hours = token.hours {
            if let time = hours.exp, time < earliest { throw .expired }
            if let time = hours.nbf, time > latest { throw .notYetValid }
            if let time = hours.iat, time > latest { throw .issuedInFuture }
            return
        }
        // One by one: of several that are wrong, the first is told.
        if let time = try seconds(.exp, of: token), time < earliest { throw .expired }
        if let time = try seconds(.nbf, of: token), time > latest { throw .notYetValid }
        if let time = try seconds(.iat, of: token), time > latest { throw .issuedInFuture }
        guard try audienceMatches(token) else { throw .notInAudience }
    }

    private func hours(of token: VerifiedToken) -> VerifiedToken.Hours? {
        do throws(TokenFailure) {
            guard try audienceMatches(token) else { return nil }
            return VerifiedToken.Hours(
                exp: try seconds(.exp, of: token),
                nbf: try seconds(.nbf, of: token),
                iat: try seconds(.iat, of: token)
            )
        } catch {
            return nil
        }
    }

    private func seconds(
        _ claim: TokenFailure.TimeClaim,
        of token: VerifiedToken
    ) throws(TokenFailure) -> Int? {
        guard let value = token.claims[claim.rawValue], !value.isNull else { return nil }
        guard let seconds = value.wholeSeconds else { throw .claimNotNumber(claim) }
        return seconds
    }

    private func audienceMatches(_ token: VerifiedToken) throws(TokenFailure) -> Bool {
        guard let value = token.claims["aud"], !value.isNull else { return true }
        if let one = value.string { return audience == nil || audience == one }
        guard let several = value.array, several.allSatisfy({ $0.string != nil }) else {
            throw .audienceMalformed
        }
        guard let audience, !several.isEmpty else { return true }
        return several.contains { $0.string == audience }
    }
}

extension JSONValue {
    /// RFC 7519 §2, NumericDate: fractions are allowed, and cut off here. (PostgREST takes any for
    /// the epoch, and so refuses what is valid and lets in what is yet to be.) What no clock will
    /// ever show does count as the epoch, as it does there: a token that never ends is refused.
    fileprivate var wholeSeconds: Int? {
        if let int { return int }
        guard let double else { return nil }
        guard abs(double) < 9.2e18 else { return 0 }
        return Int(double.rounded(.down))
    }
}

/// Where the three parts of a compact token lie.
private struct TokenParts {
    let header: Range<Int>
    let payload: Range<Int>
    let signature: Range<Int>

    init(_ token: Span<UInt8>) throws(TokenFailure) {
        guard !token.isEmpty else { throw .empty }
        var dots: [Int] = []
        for index in 0..<token.count where token[index] == UInt8(ascii: ".") { dots.append(index) }
        guard dots.count == 2 else { throw .parts(dots.count + 1) }
        header = 0..<dots[0]
        payload = dots[0] + 1..<dots[1]
        signature = dots[1] + 1..<token.count
    }
}
