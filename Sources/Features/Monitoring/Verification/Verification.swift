// SPDX-License-Identifier: Apache-2.0
package import JSONCoding
package import Telemetry

/// Puts every shipped question to a Prometheus, and says of each that stays empty why it does.
package struct Verification: Sendable {
    /// What a user can mend, each in another way.
    package enum Verdict: String, Sendable, CaseIterable {
        case data
        /// Nothing of Lucarne's is there at all.
        case notScraped = "not scraped"
        /// No stream of Lucarne's is in this Loki.
        case notPushed = "not pushed"
        /// Lucarne is there, and has no series or label of that name: another version runs.
        case renamed
        /// Only the native histogram is there, and the question has no half for it.
        case nativeOnly = "native only"
        case noTraffic = "no traffic"
        /// The rule is not among those that this Prometheus evaluates.
        case notLoaded = "not loaded"
        /// The rule's expression there is not the one that ships.
        case changed
        case failed

        /// No traffic is nobody's mistake.
        package var isHarmless: Bool { self == .data || self == .noTraffic }
    }

    package struct Finding: Sendable {
        package var place: String
        package var expression: String
        package var verdict: Verdict
        package var reason: String
    }

    package struct Choice: Sendable {
        /// Nil: the jobs in which a Lucarne is, as the boards have it.
        package var job: String?
        /// Also without the label.
        package var namespace = ".*"
        package var instance = ".+"
        /// For `$__rate_interval`: at least four scrapes.
        package var range = "5m"

        package init() {}
    }

    /// GET of a path with a query: the answer's `data`, or why there is none.
    package typealias Ask =
        @Sendable (_ path: String, _ query: [(String, String)]) throws(Refusal) ->
        JSONValue

    package struct Refusal: Error, CustomStringConvertible {
        package var description: String

        package init(_ description: String) { self.description = description }
    }

    private let ask: Ask
    private let choice: Choice
    private let job: String
    /// Series that have samples.
    private let names: Set<String>
    /// Families that were exposed, also those that have no series yet.
    private let exposed: Set<String>
    private let loaded: [JSONValue]
    /// Families that have no series before something happens.
    private let open: Set<String>
    private let watch: Watch
    private let recorded: Set<String>

    /// `families`: what a Lucarne of this version can expose.
    package static func run(
        _ choice: Choice = Choice(),
        of watch: Watch = .standard,
        families: [MetricDescription],
        asking ask: @escaping Ask
    ) throws(Refusal) -> [Finding] {
        let verification = try Verification(choice, watch, families, ask)
        return verification.panels + verification.rules
    }

    private init(
        _ choice: Choice,
        _ watch: Watch,
        _ families: [MetricDescription],
        _ ask: @escaping Ask
    ) throws(Refusal) {
        self.choice = choice
        self.watch = watch
        let records = watch.rules.flatMap(\.rules).filter { $0.kind == .record }
        recorded = Set(records.map(\.name))
        open = Set(families.filter { $0.labels.contains { $0.values == nil } }.map(\.name))
        self.ask = ask
        let builds = try ask("/api/v1/query", [("query", "count by (job) (lucarne_build_info)")])
        let jobs = (builds["result"]?.array ?? []).compactMap { $0["metric"]?["job"]?.string }
        job = choice.job ?? (jobs.isEmpty ? ".+" : jobs.joined(separator: "|"))
        let answer = try ask("/api/v1/label/__name__/values", [])
        names = Set((answer.array ?? []).compactMap(\.string))
        exposed = Set((try ask("/api/v1/metadata", []).members ?? []).map(\.0))
        let groups = try ask("/api/v1/rules", [])["groups"]?.array ?? []
        loaded = groups.flatMap { $0["rules"]?.array ?? [] }
    }

    private var panels: [Finding] {
        watch.boards.filter { $0.source == .prometheus }.flatMap { board in
            let queries = board.panels.flatMap { panel in
                panel.queries.map { ("\(board.identifier) / \(panel.title)", $0.expression) }
            }
            let variables = board.variables.map {
                ("\(board.identifier) / $\($0.name)", $0.question)
            }
            return (variables + queries).map { question($1, at: $0) }
        }
    }

    private func question(_ expression: String, at place: String) -> Finding {
        let filled = fill(expression)
        var finding = Finding(place: place, expression: filled, verdict: .data, reason: "")
        do throws(Refusal) {
            let answer = try ask("/api/v1/query", [("query", filled)])
            guard !Self.hasNumbers(answer["result"]) else { return finding }
            (finding.verdict, finding.reason) = diagnosis(of: filled)
        } catch {
            (finding.verdict, finding.reason) = (.failed, error.description)
        }
        return finding
    }

    private func fill(_ expression: String) -> String {
        expression.replacing("$__rate_interval", with: choice.range)
            .replacing("$namespace", with: choice.namespace)
            .replacing("$job", with: job)
            .replacing("$instance", with: choice.instance)
            .replacing("$route", with: ".+")
    }

    /// Some value that is a number: a quantile of nothing is `NaN`.
    private static func hasNumbers(_ result: JSONValue?) -> Bool {
        (result?.array ?? []).contains { series in
            if series["histogram"] != nil { return true }
            return series["value"]?[1]?.string.map { $0 != "NaN" } ?? false
        }
    }
}

extension Verification {
    private func diagnosis(of expression: String) -> (Verdict, String) {
        guard names.contains("lucarne_build_info") else {
            return (.notScraped, "no series lucarne_build_info: \(targets)")
        }
        let asked = Set(PromQLReading(expression).selectors.map(\.name)).subtracting(["up"])
        let absent = asked.filter { !names.contains($0) }.sorted()
        // A histogram is there in one of its two forms, and its question names both.
        let missing = absent.filter { name in
            !asked.contains { other in
                other != name && names.contains(other) && Self.areOneHistogram(name, other)
            }
        }
        let here = Set(loaded.compactMap { $0["name"]?.string })
        if let rule = missing.first(where: { recorded.contains($0) && !here.contains($0) }) {
            return (.notLoaded, "\(rule) is recorded by prometheus/rules/recording.yml")
        }
        if let native = missing.first(where: { names.contains(Self.stem($0)) }) {
            return (.nativeOnly, "\(Self.stem(native)) is there as a native histogram only")
        }
        if let missing = missing.first(where: { !recorded.contains($0) && !isExposed($0) }) {
            return (.renamed, "no series \(missing): is another version scraped?")
        }
        return (.noTraffic, "nothing happened that is counted there")
    }

    /// OpenMetrics names a family of counters without `_total`.
    private func isExposed(_ name: String) -> Bool {
        let stem = Self.stem(name)
        return [name, stem].contains { exposed.contains($0) || open.contains($0) }
            || (name.hasSuffix("_total") && exposed.contains(String(name.dropLast(6))))
    }

    /// Why Lucarne may not be scraped, as Prometheus sees its targets.
    private var targets: String {
        let answer = try? ask("/api/v1/targets", [("state", "active")])
        let all = answer?["activeTargets"]?.array ?? []
        let failing = all.compactMap { target -> String? in
            guard let error = target["lastError"]?.string, !error.isEmpty else { return nil }
            return "\(target["scrapeUrl"]?.string ?? "a target"): \(error)"
        }
        if all.isEmpty { return "this Prometheus has no targets" }
        return failing.isEmpty
            ? "\(all.count) targets, and none of them is Lucarne"
            : failing.joined(separator: "; ")
    }

    private static func stem(_ name: String) -> String {
        for suffix in ["_bucket", "_count", "_sum"] where name.hasSuffix(suffix) {
            return String(name.dropLast(suffix.count))
        }
        return name
    }

    private static func areOneHistogram(_ one: String, _ other: String) -> Bool {
        stem(one) == stem(other)
    }
}

extension Verification {
    private var rules: [Finding] {
        watch.rules.flatMap(\.rules).map { rule in
            if let match = loaded.first(where: { rule.isSame(as: $0) }) {
                return finding(rule, match)
            }
            return Finding(
                place: rule.place,
                expression: rule.expression,
                verdict: .notLoaded,
                reason: "is prometheus/rules among its rule_files?"
            )
        }
    }

    private func finding(_ rule: Rule, _ loaded: JSONValue) -> Finding {
        var finding = Finding(
            place: rule.place,
            expression: rule.expression,
            verdict: .data,
            reason: ""
        )
        if loaded["health"]?.string == "err" {
            finding.verdict = .failed
            finding.reason = loaded["lastError"]?.string ?? "it could not be evaluated"
        } else if let query = loaded["query"]?.string, query.bare != rule.expression.bare {
            finding.verdict = .changed
            finding.reason = "there it says \(query)"
        } else if rule.kind == .record {
            finding = question(loaded["query"]?.string ?? rule.expression, at: rule.place)
        } else {
            // An alert that is silent is what one wishes for; one that can never fire is not.
            let diagnosis = diagnosis(of: rule.expression)
            if diagnosis.0 != .noTraffic { (finding.verdict, finding.reason) = diagnosis }
        }
        return finding
    }
}

extension Rule {
    fileprivate var place: String {
        let told = labels.filter { ["slo", "slo_window", "severity"].contains($0.0) }.map(\.1)
        return ([kind.rawValue, name] + told).joined(separator: " ")
    }

    fileprivate func isSame(as loaded: JSONValue) -> Bool {
        loaded["name"]?.string == name
            && labels.allSatisfy { loaded["labels"]?[$0.0]?.string == $0.1 }
    }
}

extension String {
    /// As Prometheus prints it, or as it was written: the same but for spaces. The job is what
    /// whoever wrote the rules calls it.
    fileprivate var bare: String {
        replacing(/job=~"(?:[^"\\]|\\.)*"/, with: { _ in "" }).filter { !$0.isWhitespace }
    }
}
