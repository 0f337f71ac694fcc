// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Lucarne
import Telemetry
import Testing

@testable import Monitoring

@Suite struct VerificationTests {
    /// What a Prometheus answers with: nothing, but for these series and targets.
    private func verdicts(
        names: [String],
        jobs: [String] = [],
        of watch: Watch = .standard,
        targets: String = #"{"activeTargets":[]}"#,
        rules: String = #"{"groups":[]}"#
    ) throws -> [String: Verification.Finding] {
        let list = JSONValue.array(names.map(JSONValue.string))
        let findings = try Verification.run(of: watch, families: TelemetryCommand.families) {
            path,
            query throws(Verification.Refusal) in
            switch path {
            case "/api/v1/label/__name__/values": return list
            case "/api/v1/targets": return (try? JSONValue(parsing: Array(targets.utf8))) ?? .null
            case "/api/v1/rules": return (try? JSONValue(parsing: Array(rules.utf8))) ?? .null
            case "/api/v1/query" where query[0].1 == "count by (job) (lucarne_build_info)":
                let found = jobs.map {
                    JSONValue.object([("metric", .object([("job", .string($0))]))])
                }
                return .object([("result", .array(found))])
            case "/api/v1/query": return .object([("result", .array([]))])
            default: return .object([])
            }
        }
        return Dictionary(findings.map { ($0.place, $0) }) { first, _ in first }
    }

    @Test func `nothing of Lucarne's is there: not scraped, with the target's error`() throws {
        let target = #"{"activeTargets":[{"scrapeUrl":"http://a/metrics","lastError":"refused"}]}"#
        let found = try verdicts(names: ["up"], targets: target)
        let panel = try #require(found["lucarne-overview / Requests"])
        #expect(panel.verdict == .notScraped)
        #expect(panel.reason.hasSuffix("http://a/metrics: refused"))
    }

    /// `label_values(series, label)` in what ships, `count by (label) (series)` in what is asked.
    @Test(arguments: Board.all.filter { $0.source == .prometheus })
    func `what is asked for a variable is what the board asks`(board: Board) throws {
        let asked = try verdicts(names: ["lucarne_build_info"])
        for variable in board.json["templating"]?["list"]?.array?.dropFirst() ?? [] {
            let name = try #require(variable["name"]?.string)
            let query = try #require(variable["query"]?["query"]?.string)
            let parts = try #require(query.wholeMatch(of: /label_values\((.+), (.+)\)/))
            let series = parts.1.replacing("$job", with: ".+")
                .replacing("$namespace", with: ".*")
            let question = asked["\(board.identifier) / $\(name)"]?.expression
            #expect(question == "count by (\(parts.2)) (\(series))")
        }
    }

    @Test func `panels are asked of the jobs in which a Lucarne is`() throws {
        let found = try verdicts(names: ["lucarne_build_info"], jobs: ["api", "lucarne"])
        let asked = found["lucarne-overview / Requests"]?.expression
        #expect(asked?.contains(#"job=~"api|lucarne""#) == true)
        #expect(asked?.contains(#"namespace=~".*""#) == true)
        #expect(!found.values.contains { $0.expression.contains("$") })
    }

    @Test func `the series of that name is gone: renamed`() throws {
        let found = try verdicts(names: ["lucarne_build_info", "lucarne_db_pool_waiting"])
        let panel = try #require(found["lucarne-database / Waiting"])
        #expect(panel.verdict == .renamed)
        #expect(panel.reason.contains("lucarne_db_pool_waiters"))
    }

    @Test func `only the histogram's native form is there: that is enough`() throws {
        let found = try verdicts(
            names: ["lucarne_build_info", "http_server_request_duration_seconds"]
        )
        #expect(found["lucarne-overview / p99"]?.verdict == .noTraffic)
    }

    @Test func `series without a sample that counts: no traffic`() throws {
        let found = try verdicts(names: ["lucarne_build_info", "lucarne_log_tail_subscribers"])
        #expect(found["lucarne-telemetry / Live tail"]?.verdict == .noTraffic)
    }

    @Test func `a recorded series without its rule: not loaded`() throws {
        let found = try verdicts(names: ["lucarne_build_info"])
        #expect(found["lucarne-slo / Burn rate: availability"]?.verdict == .notLoaded)
        #expect(found["alert LucarneDown page"]?.verdict == .notLoaded)
    }

    @Test func `a rule that says something else than the one that ships: changed`() throws {
        let rules = """
            {"groups":[{"rules":[{"name":"LucarneDown","query":"up == 1","health":"ok",
             "labels":{"severity":"page"}}]}]}
            """
        let found = try verdicts(names: ["lucarne_build_info"], rules: rules)
        #expect(found["alert LucarneDown page"]?.verdict == .changed)
    }

    /// Of what was loaded, written for this job and these objectives.
    @Test(arguments: [("api", 0.999, false), ("lucarne.*", 0.995, true)])
    func `rules may be for another job, not for other objectives`(
        job: String,
        target: Double,
        isChanged: Bool
    ) throws {
        var watch = Watch(promises: [ServiceObjective(.availability, target: target)])
        watch.job = job
        let loaded = watch.rules.flatMap(\.rules).map { rule in
            JSONValue.object([
                ("name", .string(rule.name)), ("query", .string(rule.expression)),
                ("labels", .object(rule.labels.map { ($0, .string($1)) })),
            ])
        }
        let rules = JSONValue.object([("groups", [.object([("rules", .array(loaded))])])])
        let found = try verdicts(names: ["lucarne_build_info"], rules: rules.compactText)
        let burn = found["alert LucarneAvailabilityBudgetBurn page availability"]
        #expect((burn?.verdict == .changed) == isChanged, "\(burn?.reason ?? "")")
        #expect(found["alert LucarneDown page"]?.verdict != .changed)
        let asked = found["record job_layer:self_seconds:rate5m"]?.expression
        #expect(asked?.contains(#"{job=~"\#(job)"}"#) == true)
        let own = try verdicts(
            names: ["lucarne_build_info"],
            of: watch,
            rules: rules.compactText
        )
        #expect(!own.values.contains { $0.verdict == .changed })
    }

    @Test func `a rule that cannot be evaluated: failed, with the reason`() throws {
        let rules = """
            {"groups":[{"rules":[{"name":"LucarneDown","query":"up","health":"err",
             "lastError":"many-to-many","labels":{"severity":"page"}}]}]}
            """
        let found = try verdicts(names: ["lucarne_build_info"], rules: rules)
        #expect(found["alert LucarneDown page"]?.verdict == .failed)
        #expect(found["alert LucarneDown page"]?.reason == "many-to-many")
    }

    @Test func `a Prometheus that refuses is an error, not an empty board`() {
        #expect(throws: Verification.Refusal.self) {
            _ = try Verification.run(families: []) {
                _,
                _ throws(Verification.Refusal) in
                throw Verification.Refusal("no")
            }
        }
    }
}
