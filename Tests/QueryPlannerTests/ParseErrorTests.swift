// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// What a client is told about a query that cannot be read: clients match on these texts.
struct ParseErrorTests {
    @Test(arguments: Golden.read("errors"))
    func `a query that cannot be read says where and what was expected`(golden: Golden) {
        let error = failure { () throws(PlannerFailure) in
            try RequestQuery(parsing: golden.request.utf8)
        }
        #expect(error?.code == "PGRST100")
        #expect(error?.message == golden.text)
        #expect(error?.details == golden.values.first)
    }

    @Test func `nesting beyond any use is refused rather than followed`() {
        let deep = String(repeating: "and(", count: 20_000)
        let error = failure { () throws(PlannerFailure) in
            try RequestQuery(parsing: "and=(\(deep)".utf8)
        }
        #expect(error?.code == "PGRST100")
    }

    @Test func `a NUL byte is refused as PostgreSQL would`() {
        let error = failure { () throws(PlannerFailure) in
            try RequestQuery(parsing: "name=eq.a%00b".utf8)
        }
        #expect(error?.code == "22021")
    }
}
