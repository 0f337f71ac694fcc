// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import QueryPlanner

/// The two runs of the grammar, the quick one and the one that records errors, are one grammar.
struct ParserTests {
    static let queries = [
        "select=id,a:name,facts->a->>0,x::text,n.sum()::int,count(),\"q,(\":b",
        "select=m:moons!hint!inner(id,...s(*)),n!left(a:b->c)",
        "order=a.desc.nullslast,facts->>b,stars(name).asc,\"x.y\".nullsfirst",
        "or=(a.eq.1,not.and(b.in.(1,\"2,3\"),c.fts(english).x),d.is.not_null,e.like(all).{a,b})",
        "rel.deep.not.or=(id.gt.1,name.eq.\"a\\\"b\")", "a->b->>c=not.in.(x,\"y)\",z)",
        "name=not.phfts(a b).some words", "a=isdistinct.5&b=cd.{1}&c=nxl.(1,2)&d=adj.[1,2)",
        "columns=a,\"b c\", d&on_conflict=a, b", "é-ü=eq.ß&select=naïve,x-y->-1",
    ]

    private func agree<Value>(_ text: [UInt8], _ rule: (inout Parser) -> Value?) -> Bool {
        var quick = Parser(text)
        var recording = Parser(text, records: true)
        let first = rule(&quick).map { "\($0)" }
        return first == rule(&recording).map { "\($0)" }
    }

    @Test(arguments: queries)
    func `both runs read every beginning of a value alike`(query: String) {
        for parameter in QueryParameter.split(query.utf8) {
            let value = parameter.value ?? []
            for end in 0...value.count {
                let text = Array(value[..<end])
                #expect(agree(text) { $0.selectItems() })
                #expect(agree(text) { $0.orderTerms() })
                #expect(agree(text) { $0.condition(.whole) })
                #expect(agree(text) { $0.logicTree() })
            }
        }
    }

    @Test(arguments: queries)
    func `every beginning of a query is read or refused with a place in it`(query: String) {
        let bytes = Array(query.utf8)
        for end in 0...bytes.count {
            do {
                _ = try RequestQuery(parsing: bytes[..<end])
            } catch {
                #expect(error.code == "PGRST100")
                #expect(error.message.contains("(line 1, column "))
                #expect(error.details?.isEmpty == false)
            }
        }
    }

    @Test func `a query's spelling does not change its canonical form`() throws {
        let spellings = ["b=2&a=1+2&c", "a=1%202&b=%32&c=", "c&b=2&a=1%202"]
        for spelling in spellings {
            let query = try RequestQuery(parsing: spelling.utf8, isCall: true)
            #expect(query.canonicalText == "a=1%202&b=2&c=")
        }
    }

    @Test func `in a call by GET what is no condition is an argument`() throws {
        let query = try RequestQuery(parsing: "a=1&b=eq.2&a=3&c=equal&limit=4".utf8, isCall: true)
        #expect(query.arguments.map(\.name) == ["a", "a", "c"])
        #expect(query.filters.map(\.value.field.name) == ["b"])
        #expect(query.range == RowRange(offset: 0, limit: 4))
    }

    @Test(arguments: [
        ("limit=5&offset=2", nil, RowRange(offset: 2, limit: 5)),
        ("", "0-9", RowRange(offset: 0, limit: 10)),
        ("limit=5", "3-", RowRange(offset: 3, limit: 2)),
        ("offset=4", "2-5", RowRange(offset: 4, limit: 2)),
        ("limit=0", "9-2", RowRange(offset: 0, limit: 0)),
        ("limit=-3&offset=3", "9-2", RowRange(offset: 0, limit: 0)),
        ("limit=1&offset=-1", nil, RowRange(offset: 0, limit: 0)),
        ("limit=5&offset=-3", nil, RowRange(offset: 0, limit: 2)),
        ("limit=x", nil, RowRange.all),
        ("", "bytes=0-5", RowRange.all),
    ])
    func `a header and a query agree on the rows both want`(
        query: String,
        header: String?,
        range: RowRange
    ) throws {
        let query = try RequestQuery(parsing: query.utf8)
        #expect(try RowRange.topLevel(of: query, rangeHeader: header) == range)
    }

    @Test(arguments: [
        ("", "9-2"), ("limit=-1", nil), ("limit=5", "7-9"), ("limit=0&offset=3", nil),
    ])
    func `a range that leaves nothing by mistake is refused`(query: String, header: String?) throws
    {
        let query = try RequestQuery(parsing: query.utf8)
        #expect(throws: PlannerFailure.self) {
            try RowRange.topLevel(of: query, rangeHeader: header)
        }
    }
}
