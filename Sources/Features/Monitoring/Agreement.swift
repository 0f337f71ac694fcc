// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// Everything that speaks of metrics, held against what the registry declares.
///
/// A panel that asks for a metric of another name stays empty and nobody is told; so each finding
/// here fails a test.
package struct Agreement: Sendable {
    package var families: [MetricDescription]
    package var boards = Board.all
    package var groups = RuleGroup.all
    /// Texts of `docs/runbooks`, by the name of the alert.
    package var runbooks: [String: String]

    package init(families: [MetricDescription], runbooks: [String: String]) {
        self.families = families
        self.runbooks = runbooks
    }

    package var findings: [String] {
        boards.flatMap(findings) + groups.flatMap(\.rules).flatMap(findings) + unused
            + alerts.flatMap(findingsOfRunbook) + strayRunbooks
    }

    private var alerts: [Rule] { groups.flatMap(\.rules).filter { $0.kind == .alert } }

    /// The family that a series belongs to.
    package func family(of series: String) -> MetricDescription? {
        if let family = families.first(where: { $0.name == series }) { return family }
        return families.first { family in
            family.kind == .histogram
                && ["_bucket", "_sum", "_count"].contains { family.name + $0 == series }
        }
    }

    /// The labels of a recorded series, or nil where no rule records it.
    private func recordedLabels(_ series: String) -> Set<String>? {
        let rules = groups.flatMap(\.rules).filter { $0.kind == .record && $0.name == series }
        guard !rules.isEmpty else { return nil }
        return Set(
            rules.flatMap { $0.labels.map(\.0) + PromQLReading($0.expression).groupings }
        )
    }

    /// Labels that a series may be asked for; nil where there is no such series.
    private func labels(of series: String) -> Set<String>? {
        let attached: Set = ["namespace", "job", "instance"]
        if series == "up" { return attached }
        if let recorded = recordedLabels(series) { return recorded }
        guard let family = family(of: series) else { return nil }
        let bucket: Set<String> = series.hasSuffix("_bucket") ? ["le"] : []
        return attached.union(bucket).union(family.labels.map(\.name))
    }
}

extension Agreement {
    private func findings(_ board: Board) -> [String] {
        guard board.source == .prometheus else { return titles(of: board) + unchosen(board) }
        let queries = board.panels.flatMap { panel in
            panel.queries.flatMap { query in
                let place = "\(board.identifier), \(panel.title)"
                return findings(query.expression, at: place)
                    + unmatched(query, at: place) + legend(query, at: place)
                    + unit(of: panel, query, at: place)
            }
        }
        return titles(of: board) + queries
    }

    private func titles(of board: Board) -> [String] {
        let panels = board.panels.filter { $0.kind != .row }
        let empty = panels.filter {
            $0.title.isEmpty || $0.description.isEmpty || $0.queries.isEmpty
        }
        return empty.map { "\(board.identifier), \($0.title): title, description and query" }
    }

    private func findings(_ rule: Rule) -> [String] {
        findings(rule.expression, at: rule.name) + unwatched(rule)
            + (rule.proof?.series ?? []).flatMap { series in
                let place = "\(rule.name), its proof"
                guard let labels = labels(of: series.name) else {
                    return ["\(place): nothing is called \(series.name)"]
                }
                return series.labels.map(\.0).filter { !labels.contains($0) }
                    .map { "\(place): \(series.name) has no label \($0)" }
                    + unknownBounds(series).map { "\(place): \(series.name) has no bucket \($0)" }
            }
    }

    private func unknownBounds(_ series: AlertProof.Series) -> [String] {
        let bounds = family(of: series.name)?.buckets ?? []
        return series.labels.filter { $0.0 == "le" && $0.1 != "+Inf" }.map(\.1)
            .filter { bound in !bounds.contains { "\($0)" == bound } }
    }

    private func findings(_ expression: String, at place: String) -> [String] {
        let reading = PromQLReading(expression)
        var known: Set<String> = []
        var findings: [String] = []
        for selector in reading.selectors {
            guard let labels = labels(of: selector.name) else {
                findings.append("\(place): nothing is called \(selector.name)")
                continue
            }
            known.formUnion(labels)
            findings += selector.labels.filter { !labels.contains($0) }.map {
                "\(place): \(selector.name) has no label \($0)"
            }
            if selector.name.hasSuffix("_total"), !selector.isRange {
                findings.append("\(place): the counter \(selector.name) without a range")
            }
        }
        return findings
            + reading.groupings.filter { !known.contains($0) && $0 != "le" }.map {
                "\(place): grouped by \($0), which nothing there has"
            }
    }

    /// Every series of a board obeys the board's variables.
    private func unmatched(_ query: Panel.Query, at place: String) -> [String] {
        PromQLReading(query.expression).selectors.flatMap { selector in
            let isRecorded = recordedLabels(selector.name) != nil
            let variables = ["namespace", "job"] + (isRecorded ? [] : ["instance"])
            return variables.filter { !selector.labels.contains($0) }
                .map { "\(place): \(selector.name) is not limited to $\($0)" }
        }
    }

    /// And every stream.
    private func unchosen(_ board: Board) -> [String] {
        board.panels.flatMap { panel in
            panel.queries.flatMap { query in
                board.variables.filter { !query.expression.contains("$\($0.name)") }.map {
                    "\(board.identifier), \(panel.title): is not limited to $\($0.name)"
                }
            }
        }
    }

    /// What is not recorded by a rule may be another service's.
    private func unwatched(_ rule: Rule) -> [String] {
        PromQLReading(rule.expression).selectors.filter { selector in
            !selector.labels.contains("job") && recordedLabels(selector.name) == nil
        }.map { "\(rule.name): \($0.name) of every job" }
    }

    private func legend(_ query: Panel.Query, at place: String) -> [String] {
        let reading = PromQLReading(query.expression)
        let known = Set(reading.groupings).union(
            reading.groupings.isEmpty
                ? reading.selectors.flatMap { labels(of: $0.name) ?? [] } : ["job", "instance"]
        )
        return query.legend.split(separator: "{{", omittingEmptySubsequences: false).dropFirst()
            .compactMap { part in
                let name = String(part.prefix { $0 != "}" })
                return known.contains(name)
                    ? nil : "\(place): the legend's \(name) is not in the query"
            }
    }

    /// Every family is looked at by somebody.
    private var unused: [String] {
        let expressions =
            boards.filter { $0.source == .prometheus }
            .flatMap { $0.panels.flatMap { $0.queries.map(\.expression) } }
            + groups.flatMap(\.rules).map(\.expression)
        let used = Set(
            expressions.flatMap { PromQLReading($0).selectors }
                .compactMap { family(of: $0.name)?.name }
        )
        return families.map(\.name).filter { !used.contains($0) }.map {
            "\($0) is on no panel and in no rule: Sources/Features/Monitoring/Boards"
        }
    }
}

extension Agreement {
    /// What a panel's unit must be for the numbers that its query yields. A quotient of two
    /// series is for its author to say.
    private func unit(of panel: Panel, _ query: Panel.Query, at place: String) -> [String] {
        let reading = PromQLReading(query.expression)
        guard !query.expression.contains(" / "), !query.expression.hasPrefix("time()"),
            let selector = reading.selectors.first, let family = family(of: selector.name)
        else { return [] }
        let allowed = allowedUnits(family, selector, query.expression)
        guard !allowed.contains(panel.unit) else { return [] }
        return ["\(place): unit \(panel.unit.rawValue) for \(selector.name)"]
    }

    private func allowedUnits(
        _ family: MetricDescription,
        _ selector: PromQLReading.Selector,
        _ expression: String
    ) -> [Panel.Unit] {
        let countable: [Panel.Unit] = [.perSecond, .operationsPerSecond, .requestsPerSecond]
        let plain: [Panel.Unit] = [.number, .none, .yesNo]
        if expression.contains("increase(") { return [.number] }
        switch (family.kind, family.unit) {
        case (.histogram, _) where selector.name.hasSuffix("_count"): return countable
        case (.histogram, .seconds): return [.seconds]
        case (.histogram, .bytes): return [.bytes]
        case (.histogram, _): return [.number]
        case (.counter, .none), (.counter, .ratio): return selector.isRange ? countable : []
        // Seconds per second: cores, or a share of time.
        case (.counter, .seconds): return [.seconds, .ratio, .number]
        case (.counter, .bytes): return [.bytesPerSecond]
        case (_, .seconds): return [.seconds]
        case (_, .bytes): return [.bytes]
        case (_, .ratio): return [.ratio, .number]
        case (_, .none): return plain
        }
    }

    private func findingsOfRunbook(_ alert: Rule) -> [String] {
        guard let text = runbooks[alert.name] else { return ["\(alert.name) has no runbook"] }
        let board = alert.annotations.first { $0.0 == "dashboard" }?.1
        var findings: [String] = []
        if !boards.contains(where: { $0.identifier == board }) {
            findings.append("\(alert.name): there is no board \(board ?? "")")
        }
        findings += ["## Meaning", "## Impact", "## First look", "## Mend"].filter {
            !text.contains($0 + "\n")
        }.map { "\(alert.name): the runbook has no \($0)" }
        let queries = text.split(separator: "```promql\n").dropFirst()
            .compactMap { $0.split(separator: "```").first }
        findings += queries.flatMap { self.findings(String($0), at: "\(alert.name), its runbook") }
        return findings
            + seriesNames(in: text).filter { labels(of: $0) == nil }.map {
                "\(alert.name): the runbook speaks of \($0), which is not there"
            }
    }

    private var strayRunbooks: [String] {
        let names = Set(alerts.map(\.name))
        return runbooks.keys.filter { !names.contains($0) }.sorted().map {
            "there is a runbook for \($0), and no such alert"
        }
    }

    private func seriesNames(in text: String) -> [String] {
        text.split { !($0.isASCII && ($0.isLetter || $0.isNumber || "_:".contains($0))) }
            .map(String.init)
            .filter { word in
                ["lucarne_", "http_server_", "db_client_", "process_", "slo:", "job_route:"]
                    .contains(where: word.hasPrefix)
            }
    }
}
