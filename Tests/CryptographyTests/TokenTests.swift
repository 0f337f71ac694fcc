// SPDX-License-Identifier: Apache-2.0
import Cryptography
import JSONCoding
import Testing

private let secret = Array("a secret of more than thirty-two bytes".utf8)
private let now = 1_700_000_000

@Suite struct TokenVerifierTests {
    private let verifier = TokenVerifier(keys: [VerificationKey(secret: secret)])

    private func token(_ claims: JSONValue) -> [UInt8] {
        Array(TokenMint(secret: secret).mint(claims).utf8)
    }

    // RFC 7515 appendix A.1; RFC 7519 §3.1 has the same token.
    @Test func `the example of the RFC verifies with its key, and had expired long ago`() throws {
        let jwk: JSONValue = [
            "kty": "oct",
            "k":
                "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        ]
        let token = Array(
            """
            eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0\
            cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
            """.utf8
        )
        let verifier = TokenVerifier(keys: [try #require(VerificationKey(jwk: jwk))])
        #expect(try verifier.accept(token, now: 1_300_819_380).claims["iss"] == "joe")
        #expect(throws: TokenFailure.expired) { try verifier.accept(token, now: now) }
    }

    // RFC 7515 appendix A.3.
    @Test func `the elliptic example of the RFC verifies with its key`() throws {
        let jwk: JSONValue = [
            "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        ]
        let token = Array(
            """
            eyJhbGciOiJFUzI1NiJ9.\
            eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0\
            cnVlfQ.\
            DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q
            """.utf8
        )
        let verifier = TokenVerifier(keys: [try #require(VerificationKey(jwk: jwk))])
        #expect(try verifier.verify(token.span).claims["iss"] == "joe")
    }

    // RFC 8037 appendix A.4 signs a text rather than claims.
    @Test func `the Edwards example of the RFC verifies with its key`() throws {
        let key =
            #"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#
        let token = """
            eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
            hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg
            """
        let verifier = TokenVerifier(keys: try VerificationKey.keys(configured: Array(key.utf8)))
        #expect(throws: TokenFailure.claimsMalformed) {
            try verifier.verify(Array(token.utf8).span)
        }
    }

    @Test func `a key of one Edwards curve says nothing of the other's signatures`() throws {
        let keys = [SignedTokens.ed25519Key, SignedTokens.ed448Key]
        let tokens = [SignedTokens.ed25519, SignedTokens.ed448]
        for (index, key) in keys.enumerated() {
            let keys = try VerificationKey.keys(configured: Array(key.utf8))
            let verifier = TokenVerifier(keys: keys)
            #expect(try verifier.verify(Array(tokens[index].utf8).span).claims["sub"] != nil)
            #expect(throws: TokenFailure.signatureMismatch) {
                try verifier.verify(Array(tokens[1 - index].utf8).span)
            }
        }
    }

    @Test(arguments: SignedTokens.all)
    func `a public key verifies what its private key signed, and nothing else`(
        algorithm: String,
        key: String,
        token: String
    ) throws {
        let keys = try VerificationKey.keys(configured: Array(key.utf8))
        let verifier = TokenVerifier(keys: keys)
        #expect(try verifier.verify(Array(token.utf8).span).claims["role"] == "author")

        var parts = token.split(separator: ".").map(String.init)
        parts[1] = Base64.url.encode(#"{"sub":"1234567890","role":"admin"}"#.utf8)
        #expect(throws: TokenFailure.signatureMismatch) {
            try verifier.verify(Array(parts.joined(separator: ".").utf8).span)
        }
        let others = SignedTokens.all.filter { $0.key != key }
        for other in others {
            #expect(throws: TokenFailure.noSuitableKey) {
                try verifier.verify(Array(other.token.utf8).span)
            }
        }
    }

    @Test func `a public key's text is never taken for a secret`() throws {
        let key = SignedTokens.rsaKey
        let forged = TokenMint(secret: Array(key.utf8)).mint(["role": "admin"])
        let verifier = TokenVerifier(keys: try VerificationKey.keys(configured: Array(key.utf8)))
        #expect(throws: TokenFailure.noSuitableKey) {
            try verifier.verify(Array(forged.utf8).span)
        }
    }

    @Test func `a key set tries each suitable key, and an id picks one`() throws {
        let set: JSONValue = [
            "keys": [
                ["kty": "oct", "kid": "a", "k": .string(Base64.url.encode(Array("x".utf8)))],
                [
                    "kty": "oct", "kid": "b", "k": .string(Base64.url.encode(secret)),
                    "alg": "HS256",
                ],
                ["kty": "unknown"], ["kty": "oct", "use": "enc", "k": "eA"],
            ]
        ]
        let verifier = TokenVerifier(keys: try VerificationKey.keys(configured: set.compactBytes))
        let mint = { (id: String?) in
            Array(TokenMint(secret: secret, keyID: id).mint(["role": "x"]).utf8)
        }
        #expect(try verifier.verify(mint(nil).span).claims["role"] == "x")
        #expect(try verifier.verify(mint("b").span).claims["role"] == "x")
        #expect(throws: TokenFailure.signatureMismatch) { try verifier.verify(mint("a").span) }
        #expect(throws: TokenFailure.noSuitableKey) { try verifier.verify(mint("c").span) }
        let nameless = TokenVerifier(keys: [VerificationKey(secret: secret)])
        #expect(try nameless.verify(mint(nil).span).claims["role"] == "x")
        #expect(throws: TokenFailure.noSuitableKey) { try nameless.verify(mint("b").span) }
    }

    @Test(
        arguments: [
            ("", TokenFailure.empty), ("abc", .parts(1)), ("a.b", .parts(2)),
            ("a.b.c.d.e", .parts(5)),
            ("quifq.fonvo.iuqvn", .malformed), ("..", .malformed), ("e30.e30.AA", .malformed),
            ("eyJhbGciOiJub25lIn0.eyJyb2xlIjoieCJ9.", .unsecured),
            ("eyJhbGciOiJOb05lIn0.eyJyb2xlIjoieCJ9.", .malformed),
            ("eyJhbGciOiJYUzI1NiJ9.eyJyb2xlIjoieCJ9.AA", .malformed),
            ("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9!.AA", .malformed),
            ("eyJhbGciOiJSUzI1NiJ9.eyJyb2xlIjoieCJ9.AA", .noSuitableKey),
            ("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9.AA", .signatureMismatch),
            ("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9.!", .malformed),
            ("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9.", .signatureMismatch),
        ] as [(String, TokenFailure)]
    )
    func `a token that proves nothing is refused`(token: String, failure: TokenFailure) {
        #expect(throws: failure) { try verifier.verify(Array(token.utf8).span) }
    }

    @Test(
        arguments: [
            (["exp": 1_700_000_000], nil), (["exp": 1_699_999_970], nil),
            (["exp": 1_699_999_969], .expired), (["exp": .number("1e30")], .expired),
            (["exp": .number("-1e30")], .expired), (["exp": .number("1699999969.9")], .expired),
            (["exp": .number("1700000000.5")], nil),
            (["nbf": .number("1700000031.5")], .notYetValid),
            (["exp": "soon"], .claimNotNumber(.exp)), (["exp": nil], nil),
            (["nbf": 1_700_000_030], nil), (["nbf": 1_700_000_031], .notYetValid),
            (["nbf": [:]], .claimNotNumber(.nbf)), (["iat": 1_700_000_030], nil),
            (["iat": 1_700_000_031], .issuedInFuture), (["iat": true], .claimNotNumber(.iat)),
            (["aud": "us"], nil), (["aud": "them"], .notInAudience),
            (["aud": ["them", "us"]], nil),
            (["aud": []], nil), (["aud": ["them"]], .notInAudience),
            (["aud": 1], .audienceMalformed),
            (["aud": ["us", 1]], .audienceMalformed), (["aud": nil], nil), ([:], nil),
            (["exp": 1, "nbf": "x"], .expired),
        ] as [(JSONValue, TokenFailure?)]
    )
    func `time and audience are judged with thirty seconds of leeway`(
        claims: JSONValue,
        failure: TokenFailure?
    ) {
        let verifier = TokenVerifier(keys: [VerificationKey(secret: secret)], audience: "us")
        let token = token(claims)
        var found: TokenFailure?
        do throws(TokenFailure) {
            _ = try verifier.accept(token, now: now)
        } catch {
            found = error
        }
        #expect(found == failure)
    }

    @Test func `without a key set every token is the server's fault`() {
        #expect(throws: TokenFailure.secretMissing) {
            try TokenVerifier(keys: []).verify(token([:]).span)
        }
        #expect(TokenFailure.secretMissing.authenticateHeader == nil)
    }

    @Test func `claims that are no object are refused after the signature was right`() {
        #expect(throws: TokenFailure.claimsMalformed) { try verifier.verify(token([1]).span) }
    }

    @Test func `the refusal says how to sign in`() {
        #expect(
            TokenFailure.expired.authenticateHeader
                == #"Bearer error="invalid_token", error_description="JWT expired""#
        )
        #expect(TokenFailure.tokenMissing.authenticateHeader == "Bearer")
        #expect(TokenFailure.parts(2).message == "Expected 3 parts in JWT; got 2")
        #expect(TokenFailure.parts(2).code == "PGRST301")
    }

    @Test func `a secret shorter than its hash is refused`() {
        #expect(throws: KeySetFailure.tooShort) {
            try VerificationKey.keys(configured: Array("short".utf8))
        }
        #expect(throws: KeySetFailure.noUsableKey) {
            try VerificationKey.keys(configured: Array(#"{"keys":[{"kty":"oct"}]}"#.utf8))
        }
    }

    @Test func `the claims that policies see carry the role that was chosen`() throws {
        let verified = try verifier.accept(token(["role": ["x"], "sub": "1"]), now: now)
        #expect(verified.claimsText(role: "anon") == #"{"sub":"1","role":"anon"}"#)
    }
}

@Suite struct RolePathTests {
    private let claims: JSONValue = [
        "role": "author", "a": ["b": "deep"], "n": 7,
        "https://x": ["roles": ["first", "second"]],
        "groups": [["kind": "team", "name": "red"], ["kind": "role", "name": "editor"]],
        "postgrest": ["roles": ["other", "web_author"]],
    ]

    @Test(
        arguments: [
            ("$.role", "author"), ("$.a.b", "deep"), ("$['https://x'].roles[0]", "first"),
            ("$[\"https://x\"][\"roles\"][-1]", "second"), ("$.postgrest.roles[1]", "web_author"),
            ("$.postgrest.roles[?(@ == 'web_author')]", "web_author"),
            ("$.postgrest.roles[?@ == \"web_author\"]", "web_author"),
            ("$.groups[?(@.kind == 'role')].name", "editor"), ("$.groups[?@.name].kind", "team"),
            ("$.postgrest.roles[1:]", "web_author"), ("$.postgrest.roles[*]", "other"),
            ("$.n", "7"), ("$.a", #"{"b":"deep"}"#), ("$.none", nil), ("$.role.deeper", nil),
            ("$.postgrest.roles[9]", nil), (".role", "author"),
            (".\"https://x\".roles[1]", "second"),
            (".postgrest.roles[?(@ ^== \"web\")]", "web_author"),
            (".postgrest.roles[?(@ ==^ \"author\")]", "web_author"),
            (".postgrest.roles[?(@ *== \"b_a\")]", "web_author"),
            (".postgrest.roles[?(@ != \"other\")]", "web_author"), (".a.\"b\"", "deep"),
            (".groups[1].name", "editor"), (".postgrest.roles[?(@ == \"none\")]", nil),
            ("$..name", "red"), ("$..roles[1]", "second"), ("$..[?@ == 'deep']", "deep"),
            ("$.postgrest.roles[9, 1]", "web_author"), ("$['none', 'role']", "author"),
            ("$ .a [ 'b' ]", "deep"), ("$.postgrest.roles[::-1]", "web_author"),
            ("$.postgrest.roles[1:0:-1]", "web_author"), ("$.postgrest.roles[::0]", nil),
            ("$.postgrest.roles[-1:]", "web_author"), ("$.postgrest.roles[:1]", "other"),
            ("$.groups[?@.kind == 'role' && @.name == 'editor'].name", "editor"),
            ("$.groups[?@.kind == 'x' || (@.name == 'red')].kind", "team"),
            ("$.groups[?!(@.kind == 'team')].name", "editor"), ("$.groups[?!@.none].name", "red"),
            ("$.groups[?'role' == @['kind']].name", "editor"),
            ("$.groups[?@.kind != $.none].name", "red"), ("$[?@ > 6.5]", "7"),
            ("$[?@ >= 7e0]", "7"), ("$[?@ < 7]", nil),
            ("$.postgrest.roles[?@ > 'p']", "web_author"),
            ("$.postgrest.roles[?search(@, '^web')]", "web_author"),
            ("$.postgrest.roles[?search(@, 'h(er|or)$')]", "other"),
            ("$.postgrest.roles[?!search(@, 'other')]", "web_author"),
            ("$.groups[?search(@.kind, 'ro')].name", "editor"), ("$[?search(@, 'x')]", nil),
            ("$['\\u0072ole']", "author"), ("$[\"r\\u006fle\"]", "author"),
        ] as [(String, String?)]
    )
    func `a path finds the first match`(path: String, role: String?) throws {
        #expect(try RolePath(parsing: path).role(in: claims) == role)
    }

    @Test(arguments: [
        ("role", 0), ("$.", 2), ("$.a[", 4), ("$.a[x]", 4), ("$['a", 4), ("$[?(@ == 'a']", 12),
        ("$[?@ ~ 'a']", 5), ("$.a b", 3), ("$.1", 2), ("$.a-b", 3), ("$[?@[*] == 1]", 10),
        ("$[?search(@, '(')]", 16), ("$[?search(@, @)]", 14), ("$[?'a']", 6), ("$['\\x']", 5),
        (".a[?(@ == \"b\")].c", 15), (".a[-1]", 5), ("", 0), ("$ ", 1),
        ("$[99999999999999999999]", 22),
    ])
    func `a path that cannot be read names the character`(path: String, offset: Int) {
        let failure = #expect(throws: RolePathFailure.self) { try RolePath(parsing: path) }
        #expect(failure?.offset == offset)
    }
}
