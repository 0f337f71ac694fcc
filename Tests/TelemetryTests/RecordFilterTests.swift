// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

struct RecordFilterTests {
    private let record = LogEntry(
        sequence: 7,
        wallNanoseconds: 0,
        level: .warning,
        module: .sql,
        traceIDHigh: 0x4bf9_2f35_77b3_4da6,
        traceIDLow: 0xa3ce_929d_0e0e_4736,
        line: Array(
            #"""
            {"level":"warning","msg":"Slow statement","logger":"sql","seq":7,"duration_ms":250.5,\#
            "http.route":"/rest/v1/{relation}","http.response.status_code":200,"nothing":null,\#
            "layers":{"sql":240.25,"write":0.004},"db.query.summary":"SELECT planets"}
            """#.utf8
        )
    )

    @Test(arguments: [
        ("", true), ("level=warning", true), ("level>=warning", true), ("level>warning", false),
        ("level<error", true), ("level!=info", true), ("logger=sql", true), ("module=http", false),
        ("trace=4bf92f3577b34da6a3ce929d0e0e4736", true), ("trace=4bf9", false),
        ("trace~4bf9", true), ("route=/rest/v1/{relation}", true), ("route~REST", true),
        ("route!=/x", true), ("status=200", true), ("status>=500", false), ("duration>250", true),
        ("duration<=250.5", true), ("duration<90", false), ("sql=\"SELECT planets\"", true),
        ("no.such.field=1", false), ("no.such.field!=1", true), ("nothing=null", false),
        ("layers.sql>100", true), ("layers.sql>240.25", false), ("layers.write<1", true),
        ("layers.auth>0", false), ("layers.auth!=1", true), ("layers.=1", false),
        ("slow", true), ("\"slow statement\"", true), ("statement slow", true),
        ("\"statement slow\"", false), ("fast", false), ("not fast", true), ("fast or slow", true),
        ("fast or slow and level=error", false), ("(fast or slow) and level=warning", true),
        ("slow not (level=error or logger=http)", true), ("not not slow", true),
        ("NOT fast AND Slow", true), ("\"and\" or slow", true), ("logger = sql", true),
    ])
    func `a filter is what it says`(_ text: String, _ isWanted: Bool) throws {
        #expect(try RecordFilter(parsing: text).matches(record) == isWanted)
    }

    @Test(arguments: [
        ("(slow", "a closing parenthesis", 6), ("slow)", "and, or, or the end", 5),
        ("level>=loud", "a level", 8), ("level>=", "a value", 8), ("=1", "a word", 1),
        ("a and", "a word", 6), ("or a", "a word", 1),
        ("\"open", "a closing quote", 6),
        ("a = (b)", "a value", 5), ("a!b", "a word", 2),
        (String(repeating: "(", count: 40), "fewer parentheses", 33),
        (String(repeating: "m~z or ", count: 40), "at most 32 comparisons", 225),
        (String(repeating: "a ", count: 40), "at most 32 comparisons", 65),
        (String(repeating: "a", count: 1_001), "at most 1000 characters", 1_001),
    ])
    func `what is no filter is refused, with the place`(
        _ text: String,
        _ expected: String,
        _ character: Int
    ) {
        #expect(throws: FilterFailure(expected: expected, character: character)) {
            try RecordFilter(parsing: text)
        }
    }
}

struct LogScopesTests {
    private func trace(_ user: String = "") -> RequestTrace {
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        trace.user = user
        return trace
    }

    @Test func `a scope is for its subject, and for its time`() {
        let scopes = LogScopes()
        let (anna, other) = (trace("anna"), trace())
        let later = uptimeNanoseconds() + 60_000_000_000
        #expect(!scopes.isWanted(anna, route: "/x"))
        #expect(scopes.add(LogScope(.user("anna"), until: later)))
        #expect(scopes.isWanted(anna, route: "/x"))
        #expect(!scopes.isWanted(other, route: "/x"))
        #expect(scopes.add(LogScope(.route("/x"), until: later)))
        #expect(scopes.isWanted(other, route: "/x"))
        #expect(!scopes.isWanted(other, route: "/y"))
        #expect(!scopes.isNamed(other))
        #expect(scopes.add(LogScope(.trace(other.context.traceIDText), until: later)))
        #expect(scopes.isWanted(other, route: "/y") && scopes.isNamed(other))
        #expect(!scopes.isNamed(anna))
        let past = uptimeNanoseconds()
        for subject: LogScope.Subject in scopes.current.map(\.subject) {
            #expect(scopes.add(LogScope(subject, until: past)))
        }
        #expect(!scopes.isWanted(other, route: "/x") && scopes.current.isEmpty)
    }

    @Test func `one that is over already ends the one for its subject, and no other`() {
        let scopes = LogScopes()
        let later = uptimeNanoseconds() + 60_000_000_000
        #expect(scopes.add(LogScope(.user("anna"), until: later)))
        #expect(scopes.add(LogScope(.route("/x"), until: later)))
        #expect(scopes.add(LogScope(.user("anna"), until: uptimeNanoseconds())))
        #expect(scopes.current.map(\.subject) == [.route("/x")])
        #expect(!scopes.isWanted(trace("anna"), route: "/y"))
    }

    @Test func `there are not too many of them`() {
        let scopes = LogScopes()
        let later = uptimeNanoseconds() + 60_000_000_000
        let added = (0..<20).map { scopes.add(LogScope(.user("\($0)"), until: later)) }
        #expect(added.count { $0 } == LogScopes.scopesMax)
        #expect(scopes.add(LogScope(.user("0"), until: later)))
    }
}
