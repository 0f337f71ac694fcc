// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import QueryPlanner

/// A shape's plan, with values put in, is the plan of the query that had them.
struct QueryShapeTests {
    @Test(
        arguments: [
            ("id=eq.4", "id=eq._", ["4"]),
            ("id=not.gte.4&select=id", "id=not.gte._&select=id", ["4"]),
            ("a.b=lt.1;c=neq.%C3%BC+x", "a.b=lt._&c=neq._", ["1", "ü x"]),
            ("facts->a->>b=eq.", "facts->a->>b=eq._", [""]),
            ("apikey=eq.s&id=eq.4", "id=eq._", ["4"]),
            ("id=eq.4&apikey=secret", "id=eq._", ["4"]),
            // What is planned by its text stays in it.
            ("id=in.(1,2)&name=like.a*&n=is.null", "id=in.(1,2)&name=like.a*&n=is.null", []),
            ("id=eq(any).{1,2}&id=isdistinct.3", "id=eq(any).{1,2}&id=isdistinct.3", []),
            (
                "select=eq.1&columns=eq.1&on_conflict=eq.1",
                "select=eq.1&columns=eq.1&on_conflict=eq.1", []
            ),
            (
                "limit=eq.1&a.order=eq.1&or=eq.1&b.offset=eq.1",
                "limit=eq.1&a.order=eq.1&or=eq.1&b.offset=eq.1", []
            ),
            ("%69d=eq.4&i+d=eq.4&\"a.b\"=eq.4", "%69d=eq.4&i+d=eq.4&\"a.b\"=eq.4", []),
            // What is no text of PostgreSQL's is refused in its own words.
            ("id=eq.%00&name=eq.%FF", "id=eq.%00&name=eq.%FF", []),
            ("", "", []), ("&&id&=", "id&=", []),
        ] as [(String, String, [String])]
    )
    func `operands are values, the rest is shape`(query: String, text: String, values: [String]) {
        let shape = QueryShape(Array(query.utf8)[...])
        let shown = shape.text.map { $0 == 0 ? UInt8(ascii: "_") : $0 }
        #expect(String(decoding: shown, as: UTF8.self) == text)
        let found = (0..<shape.values.count).map {
            String(decoding: shape.values[$0], as: UTF8.self)
        }
        #expect(found == values)
    }

    @Test(arguments: Golden.read("reads"))
    func `a shape's statement, its values put in, is the query's own`(golden: Golden) throws {
        var request = SampleRequest(golden.request)
        guard request.method == "GET", !request.isCall else { return }
        let shape = QueryShape(Array(request.query.utf8)[...])
        let location = try RequestQuery(parsing: request.query.utf8).canonicalText
        request.query = String(decoding: shape.marked, as: UTF8.self)
        let hasColours = request.preferences.contains("colours")
        let catalog = hasColours ? Sample.catalog(representations: Sample.colours) : Sample.plain
        let template = SQLTemplate(
            try request.sql(in: catalog, PlannerSettings(aggregatesEnabled: true))
        )
        #expect(template.text == golden.text)
        let filled = template.parameters.map { parameter -> String? in
            switch parameter {
            case .fixed(let text): text
            case .value(let index): String(decoding: shape.values[index], as: UTF8.self)
            case .body: nil
            }
        }
        #expect(filled == golden.values)
        var canonical: [UInt8] = []
        let query = try RequestQuery(parsing: shape.marked)
        CanonicalQuery(query).append(shape.values, to: &canonical)
        #expect(String(decoding: canonical, as: UTF8.self) == location)
    }

    @Test func `a request cannot place a mark`() throws {
        let guess = "lucarne0v0e"
        let shape = QueryShape(Array("name=eq.\(guess)&id=in.(\(guess))".utf8)[...])
        let marked = String(decoding: shape.marked, as: UTF8.self)
        #expect(!marked.contains("eq.\(guess)") && marked.contains("in.(\(guess))"))
        let request = SampleRequest("GET /planets?\(marked)")
        let template = SQLTemplate(try request.sql(in: Sample.plain, PlannerSettings()))
        #expect(template.parameters == [.value(0), .fixed("{\"\(guess)\"}")])
    }
}
