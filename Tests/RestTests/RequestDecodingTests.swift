// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import LucarneCore
import QueryPlanner
import Testing

@testable import Rest

struct RequestDecodingTests {
    @Test(
        arguments: [
            (["count=exact", "return=minimal"], "return=minimal, count=exact"),
            (["tx=commit, tx=rollback"], "tx=commit"),
            (
                ["count=exact,    tx=commit   ,return=representation , missing=default"],
                "missing=default, return=representation, count=exact, tx=commit"
            ),
            (["max-affected=5"], nil),
            (["max-affected=5, handling=strict"], "handling=strict, max-affected=5"),
            (["timezone=Europe/Paris"], "timezone=Europe/Paris"),
            (["resolution=nonsense"], nil),
        ] as [([String], String?)]
    )
    func `what is honoured is listed in a fixed order`(headers: [String], applied: String?) {
        #expect(Preferences(headers: headers, transactionOverride: true).applied == applied)
    }

    @Test func `a transaction's end is the operator's unless they let requests choose`() {
        let preferences = Preferences(headers: ["tx=rollback"], transactionOverride: false)
        #expect(preferences.transaction == nil)
        #expect(preferences.unknown.isEmpty)
        let empty = Preferences(headers: ["", "handling=strict"], transactionOverride: false)
        #expect(empty.unknown.isEmpty)
    }

    @Test(arguments: [
        ("GET", "/films", RestAction.read(QualifiedName("a", "films"), headersOnly: false)),
        ("HEAD", "/films", .read(QualifiedName("a", "films"), headersOnly: true)),
        ("PUT", "/f%20ilms", .write(QualifiedName("a", "f ilms"), .upsert)),
        ("POST", "/rpc/add", .call(QualifiedName("a", "add"), .post)),
        ("GET", "/rpc/add", .call(QualifiedName("a", "add"), .read(headersOnly: false))),
        ("OPTIONS", "/rpc/add", .functionOptions(QualifiedName("a", "add"))),
        ("GET", "/", .describeSchema(headersOnly: false, asDocument: false)),
        ("HEAD", "/openapi.json", .describeSchema(headersOnly: true, asDocument: true)),
        ("OPTIONS", "", .schemaOptions),
    ])
    func `method and path say what is wanted`(
        method: String,
        path: String,
        action: RestAction
    ) throws {
        #expect(try request(RestMessage(method: method, path: path)).terms.action == action)
    }

    @Test(arguments: [
        ("PUT", "/rpc/add", "PGRST101"), ("TRACE", "/films", "PGRST117"),
        ("POST", "/", "PGRST117"), ("GET", "/a/b", "PGRST125"), ("GET", "/a/", "PGRST125"),
        ("GET", "/a/b/c", "PGRST125"), ("GET", "//a", "PGRST125"), ("GET", "//", "PGRST125"),
    ])
    func `what cannot be wanted has a code`(method: String, path: String, code: String) {
        let problem = #expect(throws: Problem.self) {
            _ = try request(RestMessage(method: method, path: path))
        }
        #expect(problem?.code == code)
    }

    @Test func `a profile header chooses among the exposed schemas`() throws {
        let headers = ["accept-profile": "b"] as HeaderFields
        let chosen = try request(RestMessage(method: "GET", path: "/t", headers: headers))
        #expect(chosen.terms.schema == "b" && chosen.terms.namesSchema)
        // A write names the schema of its content; what it accepts has no say.
        let written = try request(RestMessage(method: "POST", path: "/t", headers: headers))
        #expect(written.terms.schema == "a")
        #expect(throws: Problem.unknownSchema("c", exposed: ["a", "b"])) {
            let headers = ["content-profile": "c"] as HeaderFields
            _ = try request(RestMessage(method: "PATCH", path: "/t", headers: headers))
        }
    }

    @Test(
        arguments: [
            ("application/json", "{\"a\":1}", "{\"a\":1}", ["a"]),
            ("application/json", "3", "[]", []),
            (
                "text/csv", "a,b\n1,NULL\n\"x \"\"y\"\"\",2",
                "[{\"a\":\"1\",\"b\":null},{\"a\":\"x \\\"y\\\"\",\"b\":\"2\"}]", ["a", "b"]
            ),
            ("text/csv", "a,b\n", "[]", []),
            ("text/csv", "a\r\n\n\"\"\n1\r\n\n", #"[{"a":"1"}]"#, ["a"]),
            ("text/csv", "a,b\n1\n2", #"[{"a":"1"},{"a":"2"}]"#, ["a"]),
            ("text/csv", "a,b\n1,\n2,", #"[{"a":"1","b":""},{"a":"2","b":""}]"#, ["a", "b"]),
            ("text/csv", "a\n1,2\n3,4,5", #"[{"a":"1"},{"a":"3"}]"#, ["a"]),
            ("application/x-www-form-urlencoded", "a=x+y%26", "{\"a\":\"x y&\"}", ["a"]),
            ("application/x-www-form-urlencoded", "a=1&;a=2=3;", #"{"a":"2=3"}"#, ["a"]),
        ] as [(String, String, String, [String])]
    )
    func `every body for a table becomes JSON`(
        type: String,
        body: String,
        json: String,
        keys: [String]
    ) throws {
        let payload = try payload("POST", "/t", type, body)
        #expect(payload == .json(Array(json.utf8), keys: Set(keys)))
    }

    @Test(arguments: [
        ("application/json", "{", "Empty or invalid json"),
        ("application/json", "", "Empty or invalid json"),
        ("application/json", "[{\"a\":1},{\"b\":2}]", "All object keys must match"),
        ("text/csv", "a,b\n1,2\n1", "All lines must have same number of fields"),
        ("text/csv", "a,b\n\"1\"x,2", #"parse error (endOfInput) at "x,2""#),
        ("text/csv", "a,b\n1,é\"2\\\n\u{E}H", #"parse error (endOfInput) at "\"2\\\n\SO\&H""#),
        ("text/csv", "a,b\n1,2\"é3", #"parse error (endOfInput) at "\"\195\169\&3""#),
        ("text/csv", "a\"b\n1", #"parse error (Failed reading: satisfy) at "\"b\n1""#),
        (
            "text/csv", "a\n\"1\"" + String(repeating: "x", count: 101),
            "parse error (endOfInput) at " + String(repeating: "x", count: 100) + " (truncated)"
        ),
        ("text/csv", "", #"parse error (not enough input) at """#),
        ("text/csv", "a,b", #"parse error (not enough input) at """#),
        ("text/csv", "a\n\"1", #"parse error (not enough input) at """#),
        ("image/png", "x", "Content-Type not acceptable: image/png"),
        ("text/plain", "x", "Content-Type not acceptable: text/plain"),
    ])
    func `a body that cannot be read is refused`(type: String, body: String, message: String) {
        #expect(throws: Problem.invalidBody(message)) { try payload("POST", "/t", type, body) }
    }

    @Test func `what CSV becomes has a measure, and a million rows are within it`() throws {
        let rows = 1_000_000
        let long = try payload(
            "POST",
            "/t",
            "text/csv",
            "a\n" + String(repeating: "1\n", count: rows)
        )
        guard case .json(let json, keys: ["a"]) = long else {
            Issue.record("no JSON")
            return
        }
        #expect(json.count == 10 * rows + 1)
        #expect(json.starts(with: #"[{"a":"1"},{"a":"1"}"#.utf8) && json.last == 0x5D)
        // Names that every row repeats, and more of them than any table has.
        let wide =
            String(repeating: "a", count: 1_000_000) + "\n" + String(repeating: "1\n", count: 70)
        #expect(throws: Problem.invalidBody("CSV that is too much for its size; send less")) {
            try payload("POST", "/t", "text/csv", wide)
        }
        let many = String(repeating: ",", count: 16_000) + "\n1"
        #expect(throws: Problem.invalidBody("CSV with more than 16000 names")) {
            try payload("POST", "/t", "text/csv", many)
        }
    }

    @Test func `a function takes an empty body, a form and raw text`() throws {
        let none = try payload("POST", "/rpc/f", "application/json", "")
        #expect(none == .json(Array("{}".utf8), keys: []))
        let form = try payload("POST", "/rpc/f", "application/x-www-form-urlencoded", "v=1&v=2")
        #expect(form == .form([.init(name: "v", value: "1"), .init(name: "v", value: "2")]))
        #expect(try payload("POST", "/rpc/f", "text/plain", "hi") == .raw(Array("hi".utf8)))
        #expect(try payload("GET", "/rpc/f", "text/plain", "hi") == nil)
    }

    private func request(_ message: RestMessage) throws -> RestRequest {
        var settings = RestSettings()
        settings.schemas = ["a", "b"]
        return try RestRequest(message, settings)
    }

    private func payload(
        _ method: String,
        _ path: String,
        _ type: String,
        _ body: String
    ) throws -> RestPayload? {
        let message = RestMessage(
            method: method,
            path: path,
            headers: ["content-type": type],
            body: Array(body.utf8)
        )
        return try RestPayload.read(try request(message), hasColumns: false)
    }
}
