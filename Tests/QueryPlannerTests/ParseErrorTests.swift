// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// What a client is told about a query that cannot be read: clients match on these texts.
struct ParseErrorTests {
    @Test(arguments: [
        (
            "id=noop.0", "\"failed to parse filter (noop.0)\" (line 1, column 1)",
            "unexpected \"o\" expecting \"not\" or operator (eq, gt, ...)"
        ),
        (
            "id=0", "\"failed to parse filter (0)\" (line 1, column 1)",
            "unexpected \"0\" expecting \"not\" or operator (eq, gt, ...)"
        ),
        (
            "id=fts().v", "\"failed to parse filter (fts().v)\" (line 1, column 5)",
            "unexpected \")\" expecting operator (eq, gt, ...)"
        ),
        (
            "id=eq().v", "\"failed to parse filter (eq().v)\" (line 1, column 4)",
            "unexpected \")\" expecting operator (eq, gt, ...)"
        ),
        (
            "id=is().v", "\"failed to parse filter (is().v)\" (line 1, column 3)",
            "unexpected \"(\" expecting operator (eq, gt, ...)"
        ),
        (
            "id=in().v", "\"failed to parse filter (in().v)\" (line 1, column 3)",
            "unexpected \"(\" expecting operator (eq, gt, ...)"
        ),
        (
            "order=clients(name,id)",
            "\"failed to parse order (clients(name,id))\" (line 1, column 8)",
            "unexpected '(' expecting letter, digit, \"-\", \"->>\", \"->\", delimiter (.), \",\" or end of input"
        ),
        (
            "order=id.ac", "\"failed to parse order (id.ac)\" (line 1, column 4)",
            "unexpected \"c\" expecting \"asc\", \"desc\", \"nullsfirst\" or \"nullslast\""
        ),
        (
            "order=id.descc", "\"failed to parse order (id.descc)\" (line 1, column 8)",
            "unexpected 'c' expecting delimiter (.), \",\" or end of input"
        ),
        (
            "order=id.asc.nlsfst", "\"failed to parse order (id.asc.nlsfst)\" (line 1, column 8)",
            "unexpected \"l\" expecting \"nullsfirst\" or \"nullslast\""
        ),
        (
            "order=id.asc.nullslasttt",
            "\"failed to parse order (id.asc.nullslasttt)\" (line 1, column 17)",
            "unexpected 't' expecting \",\" or end of input"
        ),
        (
            "or=()", "\"failed to parse logic tree (())\" (line 1, column 4)",
            "unexpected \")\" expecting field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)"
        ),
        (
            "or=)(", "\"failed to parse logic tree ()()\" (line 1, column 3)",
            "unexpected \")\" expecting \"(\""
        ),
        (
            "or=(id.in.1,2,id.eq.3)",
            "\"failed to parse logic tree ((id.in.1,2,id.eq.3))\" (line 1, column 10)",
            "unexpected \"1\" expecting \"(\""
        ),
        (
            "and=(ord(id.eq.1,id.eq.1),id.eq.2)",
            "\"failed to parse logic tree ((ord(id.eq.1,id.eq.1),id.eq.2))\" (line 1, column 7)",
            "unexpected \"d\" expecting \"(\""
        ),
        (
            "or=(id.eq.1,not.xor(id.eq.2,id.eq.3))",
            "\"failed to parse logic tree ((id.eq.1,not.xor(id.eq.2,id.eq.3)))\" (line 1, column 16)",
            "unexpected \"x\" expecting logic operator (and, or)"
        ),
        (
            "select=id,clients(name[])",
            "\"failed to parse select parameter (id,clients(name[]))\" (line 1, column 16)",
            "unexpected '[' expecting letter, digit, \"-\", \"->>\", \"->\", \"::\", \".\", \")\", \",\" or end of input"
        ),
        (
            "select=data->>-78xy",
            "\"failed to parse select parameter (data->>-78xy)\" (line 1, column 11)",
            "unexpected 'x' expecting digit, \"->\", \"::\", \".\", \",\" or end of input"
        ),
        (
            "select=data-%3E%3E--34",
            "\"failed to parse select parameter (data->>--34)\" (line 1, column 9)",
            "unexpected \"-\" expecting digit"
        ),
        (
            "select=data->(!@%23$%25%5E%26*_d->>!@%23$%25%5E%26*_e::integer",
            "\"failed to parse select parameter (data->(!@#$%^&*_d->>!@#$%^&*_e::integer)\" (line 1, column 7)",
            "unexpected \"(\" expecting \"-\", digit or any non reserved character different from: .,>()"
        ),
        (
            "select=name!hint",
            "\"failed to parse select parameter (name!hint)\" (line 1, column 5)",
            "unexpected '!' expecting letter, digit, \"-\", \"->>\", \"->\", \"::\", \".\", \")\", \",\" or end of input"
        ),
        (
            "select=name::", "\"failed to parse select parameter (name::)\" (line 1, column 7)",
            "unexpected end of input expecting letter or digit"
        ),
        (
            "columns=", "\"failed to parse columns parameter ()\" (line 1, column 1)",
            "unexpected end of input expecting field name (* or [a..z0..9_$])"
        ),
    ])
    func `a query that cannot be read says where and what was expected`(
        query: String,
        message: String,
        details: String
    ) {
        let error = failure { () throws(PlannerFailure) in try RequestQuery(parsing: query.utf8) }
        #expect(error?.code == "PGRST100")
        #expect(error?.message == message)
        #expect(error?.details == details)
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
