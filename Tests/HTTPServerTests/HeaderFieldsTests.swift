// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import Testing

struct HeaderFieldsTests {
    @Test func `names compare without case and the first of several is the answer`() {
        let fields: HeaderFields = ["Prefer": "count=exact", "prefer": "tx=commit"]
        #expect(fields["PREFER"] == "count=exact")
        #expect(fields.values(of: "prefer") == ["count=exact", "tx=commit"])
        #expect(fields.joined("prefer") == "count=exact, tx=commit")
        #expect(fields["pre"] == nil)
    }

    @Test func `set replaces all fields of a name and keeps the order of the others`() {
        var fields: HeaderFields = ["A": "1", "B": "2", "a": "3", "C": "4"]
        fields.set("A", "5")
        #expect(fields == ["B": "2", "C": "4", "A": "5"])
    }

    @Test(arguments: ["one\r\nSet-Cookie: x", "one\nSet-Cookie: x", "one\0Set-Cookie: x"])
    func `a value cannot begin a field of its own`(value: String) {
        let fields: HeaderFields = ["A": value]
        #expect(fields.count == 1)
        #expect(fields["A"]?.utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 } == false)
    }

    @Test(arguments: ["", "a b", "a:b", "a\r\nb", "ä"])
    func `a name that is no token is not taken`(name: String) {
        let fields: HeaderFields = [name: "value"]
        #expect(fields.isEmpty)
    }

    @Test func `a list gains an element only once`() {
        var fields: HeaderFields = ["Vary": "Origin"]
        fields.appendToList("Vary", "Accept-Encoding")
        fields.appendToList("Vary", "accept-encoding")
        #expect(fields["vary"] == "Origin, Accept-Encoding")
    }
}

struct PercentEncodingTests {
    @Test(arguments: [
        ("a%20b", "a b"), ("%C3%A4", "ä"), ("a+b", "a+b"), ("%2F", "/"), ("", ""), ("%25", "%"),
    ])
    func `escapes mean what they encode`(text: String, meaning: String) throws {
        #expect(try PercentEncoding.decode(Array(text.utf8)) == meaning)
    }

    @Test(arguments: [
        ("%", PercentEncoding.Malformed.escape), ("%2", .escape), ("%zz", .escape),
        ("%00", .nul), ("%FF", .notUTF8), ("%+1", .escape),
    ])
    func `what is no escape is refused`(text: String, why: PercentEncoding.Malformed) {
        #expect(throws: why) { try PercentEncoding.decode(Array(text.utf8)) }
    }

    @Test func `a plus is a space in forms only`() throws {
        #expect(try PercentEncoding.decode(Array("a+b".utf8), plusIsSpace: true) == "a b")
    }
}
