// SPDX-License-Identifier: Apache-2.0
import Cryptography
import JSONCoding
import Testing

@testable import Lucarne

@Suite struct TokenCommandTests {
    private let secret = Array("a secret of more than thirty-two bytes".utf8)

    @Test func `a minted token is accepted, with its role, claims and end`() throws {
        let options = ["role": "anon", "expires": "2h", "claims": #"{"team":["a"],"iss":"me"}"#]
        let signing = try SigningSecret(secret)
        let token = try TokenCommand.token(options, secret: signing, now: 1000)
        let verifier = TokenVerifier(keys: signing.keys)
        let claims = try verifier.accept(Array(token.utf8), now: 1000).claims
        #expect(
            claims.compactText == #"{"role":"anon","iat":1000,"exp":8200,"team":["a"],"iss":"me"}"#
        )
        #expect(throws: TokenFailure.expired) {
            try verifier.accept(Array(token.utf8), now: 8231)
        }
    }

    @Test(
        arguments: [
            ([:], "token needs --role, for instance --role anon"),
            (["role": "a", "claims": "[1]"], "--claims: '[1]' is not a JSON object"),
            (["role": "a", "expires": "soon"], "--expires: 'soon' is not a time like 1h or 365d"),
        ] as [([String: String], String)]
    )
    func `what cannot be minted is named`(options: [String: String], message: String) throws {
        let signing = try SigningSecret(secret)
        #expect(throws: ConfigurationFailure(message)) {
            try TokenCommand.token(options, secret: signing, now: 0)
        }
    }
}
