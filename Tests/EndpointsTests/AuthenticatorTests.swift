// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Endpoints
import Glibc
import JSONCoding
import LucarneCore
import Telemetry
import Testing

struct AuthenticatorTests {
    private let telemetry = Telemetry()
    private static let secret = Array("a secret of thirty-two characters".utf8)

    private func authenticator(entriesMax: Int = 10) throws -> Authenticator {
        Authenticator(
            verifier: TokenVerifier(
                keys: try VerificationKey.keys(configured: Self.secret)
            ),
            anonymousRole: nil,
            cacheEntriesMax: entriesMax,
            observe: { [telemetry] in telemetry.report($0, in: $1) },
            cacheTelemetry: telemetry.cache(.token)
        )
    }

    private func token(_ subject: String, secondsLeft: Int = 600) -> ArraySlice<UInt8> {
        let expiry = JSONValue.number("\(time(nil) + secondsLeft)")
        let claims: JSONValue = .object([
            ("role", .string("author")), ("sub", .string(subject)), ("exp", expiry),
        ])
        return Array(TokenMint(secret: Self.secret).mint(claims).utf8)[...]
    }

    private func told(_ series: String) -> Int? {
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
        return line?.split(separator: " ").last.flatMap { Int($0) }
    }

    private func lookups(_ result: String) -> Int? {
        told(#"lucarne_cache_lookups_total{cache="token",result="\#(result)"}"#)
    }

    private func evictions(_ reason: String) -> Int? {
        told(#"lucarne_cache_evictions_total{cache="token",reason="\#(reason)"}"#)
    }

    @Test func `a token is verified once, and each look-up is counted in both families`() throws {
        let authenticator = try authenticator()
        let token = token("anna")
        for _ in 0..<3 {
            #expect(try authenticator.identify(token).subject == "anna")
        }
        #expect([lookups("hit"), lookups("miss"), lookups("stale")] == [2, 1, 0])
        let older = "lucarne_auth_token_cache_lookups_total"
        #expect(told(older + #"{result="hit"}"#) == 2)
        #expect(told(older + #"{result="miss"}"#) == 1)
        #expect(told(#"lucarne_cache_entries{cache="token"}"#) == 1)
        let bytes = try #require(told(#"lucarne_cache_resident_bytes{cache="token"}"#))
        #expect(bytes > token.count)
    }

    @Test func `tokens that make room, and those of an authenticator that is gone, are counted`()
        throws
    {
        do {
            let authenticator = try authenticator(entriesMax: 2)
            for name in ["a", "b", "c"] { _ = try authenticator.identify(token(name)) }
            #expect(evictions("capacity") == 1)
            #expect(told(#"lucarne_cache_entries{cache="token"}"#) == 2)
        }
        #expect(
            [evictions("capacity"), evictions("expired"), evictions("invalidated")] == [1, 0, 2]
        )
        #expect(told(#"lucarne_cache_entries{cache="token"}"#) == 0)
        #expect(told(#"lucarne_cache_resident_bytes{cache="token"}"#) == 0)
    }

    @Test func `a token that expires is stale once, and not there then`() async throws {
        let authenticator = try authenticator()
        let token = token("anna", secondsLeft: 1 - TokenVerifier.leeway)
        _ = try authenticator.identify(token)
        var failure: TokenFailure?
        while failure == nil {
            do throws(TokenFailure) { _ = try authenticator.identify(token) } catch {
                failure = error
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(failure == .expired)
        #expect(throws: TokenFailure.expired) { try authenticator.identify(token) }
        #expect([lookups("stale"), evictions("expired")] == [1, 1])
        #expect(told(#"lucarne_cache_entries{cache="token"}"#) == 0)
    }
}
