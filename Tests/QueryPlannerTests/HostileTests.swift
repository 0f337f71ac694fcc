// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// Whatever a request says, it cannot end a name or a value and go on as SQL.
struct HostileTests {
    static let hostile = [
        #"x"; DROP TABLE canary; --"#, #"x'; DROP TABLE canary; --"#, #"\"; canary"#,
        #"\'; canary"#,
        "$1; canary", "/* canary", "x\"\"; canary", "E'\\'; canary", "U&\"\\0022; canary",
        "x) FROM canary; --", "\u{2019}; canary", "canary\n;", #"" OR "canary" = ""#,
    ]

    /// Every place of a request whose text can reach the statement; `@` is where the hostile text
    /// goes, percent-encoded, and `"@"` where the grammar lets anything into a name.
    static let places = [
        "GET /planets?select=\"@\"", "GET /planets?select=\"@\":id", "GET /planets?select=id:\"@\"",
        "GET /planets?select=facts->\"@\"", "GET /planets?select=facts->>\"@\"",
        "GET /planets?select=id::@", "GET /planets?select=id.sum()::@",
        "GET /planets?select=\"@\".sum()", "GET /planets?select=m:moons!\"@\"(id)",
        "GET /planets?select=\"@\":moons(id)", "GET /planets?select=moons(\"@\")",
        "GET /planets?select=...stars(\"@\":name)", "GET /planets?\"@\"=eq.1",
        "GET /planets?name=eq.@", "GET /planets?name=like.@", "GET /planets?name=in.(\"@\")",
        "GET /planets?name=eq(any).{@}", "GET /planets?name=is.@", "GET /planets?name=@",
        "GET /planets?name=fts(@).a", "GET /planets?name=fts.@", "GET /planets?name=isdistinct.@",
        "GET /planets?facts->>\"@\"=eq.1", "GET /planets?or=(\"@\".eq.1,name.eq.\"@\")",
        "GET /planets?or=(name.eq.@)", "GET /planets?order=\"@\"",
        "GET /planets?order=facts->\"@\"",
        "GET /planets?order=id.@", "GET /planets?select=stars(*)&order=stars(\"@\")",
        "GET /planets?limit=@", "GET /planets?offset=@",
        "GET /planets?select=moons(*)&moons.limit=@",
        "GET /planets?select=facts->@", "GET /rpc/add?a=@&b=@",
        "GET /rpc/near?distance=@&name=eq.@",
        "GET /rpc/sum_of?v=@&v=@", "GET /rpc/near?distance=1&select=\"@\"",
        "PATCH /planets?\"@\"=eq.@ | return=representation | {\"name\":\"@\"}",
        "DELETE /planets?name=eq.@", "POST /planets?columns=\"@\" | | {}",
        "POST /planets?on_conflict=\"@\" | resolution=merge-duplicates | {\"name\":\"a\"}",
        "POST /planets?select=\"@\" | return=representation | {\"name\":\"a\"}",
    ]

    @Test(arguments: places)
    func `text of a request never becomes SQL`(place: String) {
        for text in Self.hostile {
            // A backslash in a quoted name makes the next character ordinary.
            let quoted = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            let request = place.replacing("\"@\"", with: "\"\(encoded(quoted))\"")
                .replacing("@", with: encoded(text))
            guard let sql = try? SampleRequest(request).sql(in: Sample.plain, settings) else {
                continue
            }
            #expect(!unquoted(sql.text).contains("canary"), "\(request)\n\(sql.text)")
        }
    }

    @Test func `hostile names do reach the statement, as names`() throws {
        let sql = try rows("planets", "select=%22x%5C%22%3Bcanary%22&limit=1")
        #expect(sql.text.contains(#""api"."planets"."x"";canary""#))
    }

    private let settings = PlannerSettings(aggregatesEnabled: true)

    private func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.utf8.count < 2 ? "0" : "") + digits
        }.joined()
    }

    /// What is left of a statement without its quoted names and literals.
    private func unquoted(_ sql: String) -> String {
        var rest = ""
        var quote: Character?
        for character in sql {
            if character == quote {
                quote = nil
            } else if quote == nil, character == "\"" || character == "'" {
                quote = character
            } else if quote == nil {
                rest.append(character)
            }
        }
        return quote == nil ? rest : rest + " canary: a quote is left open"
    }
}
