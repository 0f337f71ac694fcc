// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Testing

@testable import Monitoring

@Suite struct LogVerificationTests {
    private typealias Refusal = Verification.Refusal

    /// What a Loki with these streams answers, to each question with this result.
    private func findings(
        streams: String,
        result: String = "[]",
        _ asked: @escaping @Sendable (String, [(String, String)]) -> Void = { _, _ in }
    ) throws -> [String: Verification.Finding] {
        let findings = try LogVerification.run { path, query throws(Refusal) in
            asked(path, query)
            let text = path == "/loki/api/v1/series" ? streams : #"{"result":\#(result)}"#
            return (try? JSONValue(parsing: Array(text.utf8))) ?? .null
        }
        return Dictionary(findings.map { ($0.place, $0) }) { first, _ in first }
    }

    private let streams =
        #"[{"service_name":"lucarne","env":"b","level":"info","instance":"a:1"}]"#

    @Test func `no stream of Lucarne's: not pushed`() throws {
        let found = try findings(streams: "[]")
        let board = Board.all.filter { $0.source == .loki }[0]
        #expect(found.count == board.panels.count + board.variables.count + 1)
        #expect(found.values.allSatisfy { $0.verdict == .notPushed })
    }

    @Test func `streams without a label that is asked for: renamed`() throws {
        let labels = #"[{"service_name":"lucarne","env":"b","instance":"a:1"}]"#
        let found = try findings(streams: labels)
        let panel = try #require(found["lucarne-logs / Errors"])
        #expect(panel.verdict == .renamed && panel.reason.contains("label level"))
        #expect(found["lucarne-logs / All records"]?.verdict == .noTraffic)
    }

    @Test func `streams without such a record: no traffic`() throws {
        let found = try findings(streams: streams)
        #expect(found.values.allSatisfy { $0.verdict == .noTraffic })
    }

    @Test func `something is there: data`() throws {
        let found = try findings(streams: streams, result: #"[{"stream":{},"values":[]}]"#)
        #expect(found.values.allSatisfy { $0.verdict == .data })
    }

    /// Loki answers 400 to an instant query that yields lines ("Query logs at a single point in
    /// time").
    @Test func `lines are asked for over a time, numbers at a time`() throws {
        _ = try findings(streams: streams) { path, query in
            let expression = query.first { $0.0 == "query" }?.1 ?? ""
            guard !expression.isEmpty else { return }
            #expect(!expression.contains("$"))
            #expect((path == "/loki/api/v1/query") == expression.contains("rate("))
        }
    }

    @Test func `a Loki that refuses is an error, a question that it refuses has failed`() throws {
        #expect(throws: Refusal.self) {
            _ = try LogVerification.run { _, _ throws(Refusal) in throw Refusal("no") }
        }
        let findings = try LogVerification.run { path, _ throws(Refusal) in
            guard path == "/loki/api/v1/series" else { throw Refusal("parse error") }
            return .array([])
        }
        #expect(findings.allSatisfy { $0.verdict == .failed && $0.reason == "parse error" })
    }
}
