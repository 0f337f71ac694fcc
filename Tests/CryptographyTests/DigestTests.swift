// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Testing

@Suite struct DigestTests {
    // FIPS 180-2, appendix B.1 and C.1.
    @Test func `"abc" has the digests that the standard prints`() {
        let abc = Array("abc".utf8)
        #expect(
            Digest.sha256.hash(abc).hexadecimal
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(Digest.sha512.hash(abc).hexadecimal.hasPrefix("ddaf35a193617abacc417349ae204131"))
        #expect(Digest.sha256.hash([]).hexadecimal.hasPrefix("e3b0c44298fc1c149afbf4c8996fb924"))
    }

    // RFC 4231 §4.3, test case 2.
    @Test func `an HMAC is the one of the RFC`() {
        let key = Array("Jefe".utf8)
        let message = Array("what do ya want for nothing?".utf8)
        #expect(
            Digest.sha256.authenticate(message, key: key).hexadecimal
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )
        #expect(
            Digest.sha384.authenticate(message, key: key).hexadecimal.hasPrefix("af45d2e376484031")
        )
        #expect(
            Digest.sha512.authenticate(message, key: key).hexadecimal.hasPrefix("164b7a7bfcf819e2")
        )
        #expect(Digest.sha256.authenticate([], key: []).count == 32)
    }

    @Test func `random bytes are as many as asked for, and not the same twice`() {
        #expect(randomBytes(32).count == 32)
        #expect(randomBytes(32) != randomBytes(32))
    }

    @Test func `equality sees every byte and the length`() {
        #expect(constantTimeEquals([1, 2, 3], [1, 2, 3]))
        #expect(constantTimeEquals([], []))
        #expect(!constantTimeEquals([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEquals([1, 2, 3], [1, 2]))
    }
}

@Suite struct Base64Tests {
    // RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
        ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func `the vectors of the RFC come and go`(text: String, encoded: String) {
        let unpadded = String(encoded.prefix { $0 != "=" })
        #expect(Base64.standard.encode(text.utf8) == encoded)
        #expect(Base64.standard.decode(encoded) == Array(text.utf8))
        #expect(Base64.url.encode(text.utf8) == unpadded)
        #expect(Base64.url.decode(unpadded) == Array(text.utf8))
    }

    @Test(arguments: [
        "Zg", "Zg=", "Zg===", "Z", "====", "Zh==", "Zm9=", "Zm 9v", "Zm9-", "Zg==Zg==",
    ])
    func `the standard form is refused unless it is canonical`(text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test(arguments: ["Zg==", "Z", "Zh", "Zm9", "Zm9+", "Zm9\n"])
    func `the form of tokens is refused unless it is canonical`(text: String) {
        #expect(Base64.url.decode(text) == nil)
    }

    @Test func `the alphabets differ in their last two characters`() {
        #expect(Base64.standard.encode([0xFB, 0xFF]) == "+/8=")
        #expect(Base64.url.encode([0xFB, 0xFF]) == "-_8")
    }

    @Test(arguments: ["+/8=", "-_8=", "-_8.", " +/8=\n"])
    func `a secret may be written in either alphabet`(text: String) {
        #expect(Base64.decode(secret: text) == [0xFB, 0xFF])
    }

    @Test(arguments: ["+/8", "+/8==", "a b", "é"])
    func `what is no base64 is no secret`(text: String) {
        #expect(Base64.decode(secret: text) == nil)
    }
}
