// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Testing

@testable import Telemetry

/// One field, as it comes out.
private func json(_ key: StaticString, _ value: [UInt8]) -> String {
    var bytes = LogBytes()
    defer { bytes.free() }
    var record = LogRecord(in: bytes, format: .json)
    record.field(key, value[...])
    record.close()
    bytes = record.bytes
    return object(bytes)
}

/// Fields continue an object; its beginning is not theirs.
private func object(_ bytes: LogBytes) -> String {
    "{" + String(decoding: bytes.copy(from: 1), as: UTF8.self)
}

private func json(_ key: StaticString, _ value: String) -> String { json(key, Array(value.utf8)) }

struct LogRecordTests {
    @Test(arguments: [
        ("", #"{"k":""}"#),
        ("plain text, 1234567890", #"{"k":"plain text, 1234567890"}"#),
        ("quote \" and \\", #"{"k":"quote \" and \\"}"#),
        ("line\nfeed\r\ttab", #"{"k":"line\nfeed\r\ttab"}"#),
        ("null\u{0}bell\u{7}esc\u{1B}[31m", #"{"k":"null\u0000bell\u0007esc\u001b[31m"}"#),
        ("del\u{7F} c1\u{9B}", #"{"k":"del\u007f c1\u009b"}"#),
        ("\u{2028}\u{2029}\u{202E}\u{2066}\u{FEFF}", #"{"k":"\u2028\u2029\u202e\u2066\ufeff"}"#),
        ("größe ✓ 🚀", #"{"k":"größe ✓ 🚀"}"#),
        ("12345\u{1}", #"{"k":"12345\u0001"}"#),
    ])
    func `text is escaped where a reader could be misled`(_ value: String, _ line: String) {
        #expect(json("k", value) == line + "\n")
    }

    @Test(
        arguments: [
            ([0xFF, 0xFE], "\u{FFFD}\u{FFFD}"), ([0xC0, 0x80], "\u{FFFD}\u{FFFD}"),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"), ([0x61, 0xE2, 0x82], "a\u{FFFD}"),
        ] as [([UInt8], String)]
    )
    func `malformed UTF-8 is repaired`(_ bytes: [UInt8], _ text: String) {
        #expect(json("k", bytes) == "{\"k\":\"\(text)\"}\n")
    }

    @Test func `every single byte makes a valid line`() throws {
        for byte in UInt8.min...UInt8.max {
            for padding in 0..<9 {
                let value = Array(repeating: UInt8(ascii: "a"), count: padding) + [byte]
                let line = json("k", value)
                #expect(line.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1)
                #expect(throws: Never.self) { try JSONValue(parsing: Array(line.utf8)) }
            }
        }
    }

    @Test(arguments: [
        (0, "0.000"), (999, "0.000"), (1_000, "0.001"), (264_999, "0.264"), (1_000_000, "1.000"),
        (9_999_999, "9.999"), (10_000_000, "10.000"), (123_456_789, "123.456"),
        (99_999_999_999_999, "99999999.999"), (100_000_000_000_000, "100000000.000"),
        (UInt64.max, "18446744073709.551"),
    ])
    func `milliseconds have three decimals`(_ nanoseconds: UInt64, _ text: String) {
        var bytes = LogBytes()
        defer { bytes.free() }
        bytes.reserve(64)
        bytes.append(milliseconds: nanoseconds)
        #expect(String(decoding: bytes.copy(from: 0), as: UTF8.self) == text)
    }

    @Test func `a layer is told from a microsecond on, however long it took`() {
        for nanoseconds in [0, 999, 1_000, 9_999_999, 10_000_000, 86_400_000_000_000] as [UInt64] {
            let trace = RequestTrace(
                startedAt: 5,
                context: TraceContext(accepting: String?.none)
            )
            trace.end(at: 5 + nanoseconds)
            var record = LogRecord(in: LogBytes(), format: .json)
            record.layers(of: trace)
            record.close()
            var bytes = record.bytes
            defer { bytes.free() }
            let whole = nanoseconds / 1_000_000
            let rest = "\(1_000 + nanoseconds / 1_000 % 1_000)".dropFirst()
            let layers = nanoseconds < 1_000 ? "" : "\"parse\":\(whole).\(rest)"
            #expect(object(bytes) == "{\"layers\":{\(layers)}}\n")
        }
    }

    @Test func `fields of the same texts are the same, whoever made them first`() {
        var fragments = LogFragments()
        fragments.prepare()
        defer { fragments.free() }
        func line(_ user: String, _ agent: String) -> (String, Int) {
            var record = LogRecord(in: LogBytes(), format: .json, fragments)
            record.fields(
                alikeFor: LogFragments.Key(user),
                Array(agent.utf8)[...],
                holding: { (user, "", "") },
                made: { record in
                    record.field("user.id", user)
                    record.field("agent", agent)
                }
            )
            record.close()
            var bytes = record.bytes
            defer { bytes.free() }
            return (
                object(bytes),
                record.redactions.indices.reduce(0) { $0 + Int(record.redactions[$1]) }
            )
        }
        let users = ["", "short", String(repeating: "long ", count: 20), "\"quoted\" and longer"]
        let agents = [
            "", "curl/8", "curl/9", String(repeating: "a", count: 2_000), "Bearer abcdefghij",
        ]
        var alone: [[(String, Int)]] = []
        for _ in 0..<3 {
            alone.append(users.flatMap { user in agents.map { line(user, $0) } })
        }
        for later in alone.dropFirst() {
            #expect(later.map(\.0) == alone[0].map(\.0))
            #expect(later.map(\.1) == alone[0].map(\.1), "what is left out counts each time")
        }
        #expect(alone[0][1].0 == #"{"user.id":"","agent":"curl/8"}"# + "\n")
        #expect(alone[0][4].0.contains("[redacted]"))
    }

    @Test func `two that have the same place do not push each other out`() throws {
        var fragments = LogFragments()
        fragments.prepare()
        defer { fragments.free() }
        let one = LogFragments.Key("text")
        let other = try #require(
            (1..<10_000).lazy.map { LogFragments.Key("text", number: $0) }
                .first { $0.place == one.place }
        )
        var made = 0
        for _ in 0..<10 {
            for key in [one, other] {
                var record = LogRecord(in: LogBytes(), format: .json, fragments)
                record.fields(
                    alikeFor: key,
                    holding: { ("text", "", "") },
                    made: { record in
                        made += 1
                        record.field("n", made)
                    }
                )
                var bytes = record.bytes
                bytes.free()
            }
        }
        #expect(made == 2)
    }

    /// Many more than there are places for, made and gone again: a string that lies where another
    /// one did is not taken for it.
    @Test func `texts that come and go are never mistaken for each other`() {
        var fragments = LogFragments()
        fragments.prepare()
        defer { fragments.free() }
        for number in 0..<20_000 {
            let user = "somebody with the number \(number % 1_000)"
            var record = LogRecord(in: LogBytes(), format: .json, fragments)
            record.fields(
                alikeFor: LogFragments.Key(user),
                holding: { (user, "", "") },
                made: { $0.field("user.id", user) }
            )
            record.close()
            var bytes = record.bytes
            defer { bytes.free() }
            #expect(object(bytes) == "{\"user.id\":\"\(user)\"}\n")
        }
    }

    @Test func `a long value is cut at a character, and the record says so`() {
        let line = json("k", String(repeating: "ü", count: 100_000))
        #expect(line.utf8.count < 5_000)
        #expect(line.hasSuffix("ü\",\"_cut\":true}\n"))
    }

    @Test func `a record never exceeds its maximum, whatever is put into it`() {
        var bytes = LogBytes()
        defer { bytes.free() }
        for value in [
            String(repeating: "x", count: 4_000), String(repeating: "\u{1}", count: 4_000),
        ] {
            bytes.truncate(to: 0)
            var record = LogRecord(in: bytes, format: .json)
            for _ in 0..<100 { record.field("n", value) }
            record.close()
            bytes = record.bytes
            #expect(bytes.count <= LogRecord.bytesMax)
            let line = object(bytes)
            #expect(line.hasSuffix(",\"_cut\":true}\n"))
            #expect(throws: Never.self) { try JSONValue(parsing: Array(line.utf8)) }
        }
    }

    @Test(arguments: [
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ("Authorization: Bearer  abc.def", "Authorization: Bearer [redacted]"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYSJ9.c2ln end", "token [redacted] end"),
        (
            "postgresql://admin:hunter2@db.example:5432/app",
            "postgresql://admin:[redacted]@db.example:5432/app"
        ),
        ("host=db password=hunter2 user=a", "host=db password=[redacted] user=a"),
        ("http://example.org:8080/a@b", "http://example.org:8080/a@b"),
        ("a = b, eyJ is short", "a = b, eyJ is short"),
        ("bB@=J is no secret: b@", "bB@=J is no secret: b@"),
        ("two eyJhbGciOiJIUzI1 eyJhbGciOiJIUzI2", "two [redacted] [redacted]"),
    ])
    func `what has the shape of a secret is masked`(_ value: String, _ masked: String) {
        #expect(json("k", value) == "{\"k\":\"\(masked)\"}\n")
    }

    @Test(arguments: [
        (
            "name=eq.postgres%3A%2F%2Fuser%3AS3cretPw%40host%2Fdb&id=eq.1",
            "name=eq.postgres%3A%2F%2Fuser%3A[redacted]%40host%2Fdb&id=eq.1"
        ),
        (
            "url=eq.postgres%3a//user%3aa%2540b%40host/db&mail=eq.a%40b",
            "url=eq.postgres%3a//user%3a[redacted]%40host/db&mail=eq.a%40b"
        ),
        ("x=eq.password%3Da%26b%20c&id=eq.1", "x=eq.password%3D[redacted]&id=eq.1"),
        ("x=eq.p%61ssword=a%26b&id=eq.1", "x=eq.p%61ssword=[redacted]&id=eq.1"),
        ("x=eq.Bearer%20a%2Fb%3D%3D&id=eq.1", "x=eq.Bearer%20[redacted]&id=eq.1"),
        ("x=eq.bearer+abc&id=eq.1", "x=eq.bearer+[redacted]&id=eq.1"),
        ("x=eq.eyJhbGciOiJIUzI1%2EeyJyb2xlI%2Ec2ln&id=1", "x=eq.[redacted]&id=1"),
        ("/a/password%3Da%2Fb", "/a/password%3D[redacted]"),
        ("postgres://u:a%2Fb@host/%41", "postgres://u:[redacted]@host/%41"),
        ("a=p%3A//u:b%2Fc@h", "a=p%3A//u:[redacted]@h"),
        ("a=p%3A//u:b%20c@h/d@e", "a=p%3A//u:[redacted]@h/d@e"),
        ("a=p:%2F%2Fu:b%23%2Fc@h", "a=p:%2F%2Fu:[redacted]@h"),
        ("a=p%3A%2F%2Fu:b%3Fc%40h", "a=p%3A%2F%2Fu:[redacted]%40h"),
        ("a=p%3A//u%2Fv:b@h", "a=p%3A//u%2Fv:[redacted]@h"),
        ("p://a:b://u:c@h/%41", "p://a:b://u:[redacted]@h/%41"),
        ("p:/%2Fa:%2F/u:c@h", "p:/%2Fa:%2F/u:[redacted]@h"),
        ("a=Bearer%20%20b", "a=Bearer%20[redacted]"),
        ("a=http%3A%2F%2Fhost%3A80%2Fb%40c", "a=http%3A%2F%2Fhost%3A80%2Fb%40c"),
        ("a=http%3A%2F%2Fhost%2Fb%3Ac%40d", "a=http%3A%2F%2Fhost%2Fb%3Ac%40d"),
        ("a=http%3A%2F%2Fhost%3A80&b=a%40b.c", "a=http%3A%2F%2Fhost%3A80&b=a%40b.c"),
        ("100%&%4&%zz%%41=%", "100%&%4&%zz%%41=%"),
    ])
    func `a secret that is percent-encoded is masked`(_ value: String, _ masked: String) {
        #expect(json("k", value) == "{\"k\":\"\(masked)\"}\n")
        #expect(Redaction.masked(value).text == masked)
    }

    /// Each byte is looked at a few times, however they are arranged.
    @Test(
        arguments: [
            "%", "%25", "%3A%2F%2F", "%3A%2F%2F%40", ":%2F%2F", "eyJ%", "password%3D", "Bearer%20",
        ]
    )
    func `hostile texts take no longer than others`(_ part: String) {
        let text = String(repeating: part, count: (256 << 10) / part.utf8.count) + "&password%3Dx"
        #expect(!Redaction.masked(text).text.hasSuffix("%3Dx"))
    }

    @Test(arguments: ["password", "authorization", "apikey", "cookie", "token"] as [StaticString])
    func `what goes by a secret's name is masked`(_ key: StaticString) {
        #expect(json(key, "hunter2") == "{\"\(key)\":\"[redacted]\"}\n")
    }

    @Test(
        arguments: [
            ("select=id&apikey=abc&order=id", "select=id&apikey=[redacted]&order=id"),
            ("api%6Bey=abc", "api%6Bey=[redacted]"),
            ("a=1&clientSecret=x&b=2", "a=1&clientSecret=[redacted]&b=2"),
            ("secretary=eq.a&order=b&design=c&keyword=d&country_code=e&primary_key=f", nil),
            ("author=a&select=b&tokenizer=c&book=d&passport=e", nil),
            ("ACCESS_TOKEN=a=b&x", "ACCESS_TOKEN=[redacted]&x"),
            ("a=1&code=x&limit=3", "a=1&code=[redacted]&limit=3"), ("=&=token", nil),
            ("a=1&&b", nil), ("apikey", nil), ("", nil), ("%=1&%6=2", nil),
            ("or=(id.eq.1,reset_token.eq.x)&limit=1", "or=[redacted]&limit=1"),
            ("id=eq.1&and=(a.eq.b=c,or(d.is.null,token.eq.x))", "id=eq.1&and=[redacted]"),
            ("not.or=(a.eq.1,data->>apiKey.eq.x)", "not.or=[redacted]"),
            ("moons.not.and=(key.eq.x)&a=b", "moons.not.and=[redacted]&a=b"),
            ("a=1&%6Fr=(tok%65n.eq.x)", "a=1&%6Fr=[redacted]"), ("OR=(pwd", "OR=[redacted]"),
            ("a=1;token=x", "a=1;token=[redacted]"), ("code=x;y=1&b=2", "code=[redacted]&b=2"),
            ("a=1;b=2;", nil),
            ("or=(id.eq.1,name.eq.secretary)&and=(a.eq.1)", nil),
            ("author=eq.token&floor=token&color=eq.key&brand=eq.token&or", nil),
        ] as [(String, String?)]
    )
    func `secrets in a query are masked`(_ query: String, _ masked: String?) {
        let bytes = SecretNames().masked(query: Array(query.utf8)[...])
        #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == masked)
    }

    @Test(arguments: [
        "apikey", "api_key", "access_token", "authorization", "code", "cookie", "id_token", "jwt",
        "key", "pwd", "passwd", "password", "proxy-authorization", "refresh_token", "sig", "secret",
        "signature", "set-cookie", "token", "x-api-key", "client_secret", "clientsecret",
        "app-secrets", "X-Amz-Security-Token", "X-Amz-Credential", "credentials", "user.password",
        "token_hash", "sessionToken", "passphrase", "AWSAccessKeyId", "private_key", "privatekey",
        "secret-key", "signing_key", "authorizations_cookie", "cookies", "dbpwd",
    ])
    func `every secret's name is known, however it is written`(_ name: String) {
        // Where words begin with a large letter, there is no other way to write it.
        let others = name.contains { $0.isUppercase } ? [] : [name.uppercased()]
        for name in [name] + others {
            let query = Array("region=a&\(name)=b%20c&x".utf8)
            let bytes = SecretNames().masked(query: query[...])
            let masked = bytes.map { String(decoding: $0, as: UTF8.self) }
            #expect(masked == "region=a&\(name)=[redacted]&x")
        }
    }

    @Test(arguments: [
        ("ssn=1&x=2", "ssn=[redacted]&x=2"), ("userSSN=1", "userSSN=[redacted]"),
        ("Tax-Number=1&token=2", "Tax-Number=[redacted]&token=[redacted]"),
        ("assn=1&number=2&tax=3", nil),
    ])
    func `names can be added`(_ query: String, _ masked: String?) {
        let names = SecretNames(adding: ["SSN", "tax_number"])
        let bytes = names.masked(query: Array(query.utf8)[...])
        #expect(bytes.map { String(decoding: $0, as: UTF8.self) } == masked)
    }

    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (1_700_000_000_123_456_789, "2023-11-14T22:13:20.123456789Z"),
            (951_782_399_999_999_999, "2000-02-28T23:59:59.999999999Z"),
            (951_782_400_000_000_001, "2000-02-29T00:00:00.000000001Z"),
        ] as [(UInt64, String)]
    )
    func `times are RFC 3339 with nanoseconds`(_ wall: UInt64, _ text: String) {
        var bytes = LogBytes()
        defer { bytes.free() }
        bytes.reserve(100)
        var clock = LogClock()
        clock.append(wall, to: &bytes)
        clock.append(wall, to: &bytes)
        #expect(String(decoding: bytes.copy(from: 0), as: UTF8.self) == text + text)
    }

    @Test(arguments: [0, 1, 0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210, UInt64.max])
    func `numbers are written as they are elsewhere`(_ value: UInt64) {
        var bytes = LogBytes()
        defer { bytes.free() }
        bytes.reserve(100)
        bytes.append(hexadecimal: value)
        bytes.append(hexadecimal: value & 0xFFFF, digits: 4)
        bytes.append(decimal: value)
        var expected: [UInt8] = []
        Hexadecimal.append(value, to: &expected)
        expected += Array(String(value & 0xFFFF | 0x10000, radix: 16).utf8.dropFirst())
        expected.append(contentsOf: "\(value)".utf8)
        #expect(bytes.copy(from: 0) == expected)
    }

    @Test func `decimals have as many digits as they need`() {
        var power: UInt64 = 1
        for _ in 0..<19 {
            for value in [power - 1, power, power + 1] {
                var bytes = LogBytes()
                defer { bytes.free() }
                bytes.reserve(100)
                bytes.append(decimal: value)
                #expect(String(decoding: bytes.copy(from: 0), as: UTF8.self) == "\(value)")
            }
            power *= 10
        }
    }

    @Test func `logfmt quotes what has spaces`() {
        var bytes = LogBytes()
        defer { bytes.free() }
        var record = LogRecord(in: bytes, format: .logfmt)
        record.field("a", "b c")
        record.field("d", "e")
        record.field("f", "")
        record.field("g", -5)
        record.field("h", milliseconds: 1_234_567)
        record.close()
        bytes = record.bytes
        let line = String(decoding: bytes.copy(from: 0), as: UTF8.self)
        #expect(line == " a=\"b c\" d=e f=\"\" g=-5 h=1.234\n")
    }

    @Test func `memory that a burst has made large is kept for as long as it is needed`() {
        var bytes = LogBytes()
        func use(_ count: Int) {
            bytes.reserve(count)
            bytes.advance(by: count)
            bytes.clear()
        }
        defer { bytes.free() }
        use(300_000)
        #expect(bytes.isMostlyRoom)
        use(1_000)
        #expect(!bytes.isMostlyRoom)
        use(1_000)
        #expect(bytes.isMostlyRoom)
        use(2_000_000)
        #expect(!bytes.isMostlyRoom)
    }
}
