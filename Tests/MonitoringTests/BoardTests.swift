// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Lucarne
import Telemetry
import Testing

@testable import Monitoring

/// What grafana/dashboard-linter asks of a board, and that its panels can be seen.
@Suite struct BoardTests {
    @Test(arguments: Board.all)
    func `a board loads in Grafana as it is`(board: Board) throws {
        let json = try JSONValue(parsing: Array(board.json.indentedText.utf8))
        #expect(json["schemaVersion"]?.int == 42)
        #expect(json["editable"]?.bool == false)
        #expect(json["uid"]?.string == board.identifier)
        let variables = json["templating"]?["list"]?.array ?? []
        let source = try #require(variables.first)
        #expect(source["type"]?.string == "datasource" && source["label"]?.string == "Data source")
        for variable in variables.dropFirst() {
            #expect(variable["refresh"]?.int == 2, "on time change")
            #expect(variable["multi"]?.bool == true)
            let name = variable["name"]?.string ?? ""
            let all: String? =
                switch name {
                // The linter wants ".+" here as well, with which "All" would take in the series
                // that other services have under OpenTelemetry's names.
                case "job": nil
                // Where nothing attaches the label, there are series and streams all the same.
                case "namespace", "environment", "process": ".*"
                default: ".+"
                }
            #expect(variable["allValue"]?.string == all)
            #expect(variable["datasource"]?["uid"]?.string == "$datasource")
        }
    }

    @Test(arguments: Board.all)
    func `what was picked narrows what is picked next, and goes with links and restarts`(
        board: Board
    ) {
        let variables = board.json["templating"]?["list"]?.array?.dropFirst() ?? []
        let names = variables.compactMap { $0["name"]?.string }
        #expect(
            names.starts(
                with: board.source == .loki
                    ? ["environment", "process"] : ["namespace", "job", "instance"]
            )
        )
        var before: [String] = []
        for variable in variables {
            let asked = variable["definition"]?.string ?? ""
            for name in before where name != "instance" {
                #expect(asked.contains("=~\"$\(name)\""), "\(asked)")
            }
            before.append(variable["name"]?.string ?? "")
        }
        #expect(board.json["links"]?[0]?["includeVars"]?.bool == true)
        for annotation in board.json["annotations"]?["list"]?.array?.dropFirst() ?? [] {
            let asked = annotation["expr"]?.string ?? ""
            for name in names where name != "route" {
                #expect(asked.contains("=~\"$\(name)\""), "\(asked)")
            }
        }
    }

    /// As Loki's data source has it (Grafana, `LokiVariableQuery`).
    @Test func `log streams are picked from by environment and instance`() throws {
        let board = try #require(Board.all.first { $0.source == .loki })
        let variables = board.json["templating"]?["list"]?.array?.dropFirst() ?? []
        #expect(variables.map { $0["query"]?["type"]?.int } == [1, 1])
        #expect(variables.map { $0["query"]?["label"]?.string } == ["env", "instance"])
        #expect(
            variables.last?["query"]?["stream"]?.string
                == #"{service_name="lucarne",env=~"$environment"}"#
        )
    }

    @Test(arguments: Board.all)
    func `panels do not overlap, and each has a number of its own`(board: Board) {
        let panels = board.json["panels"]?.array ?? []
        #expect(Set(panels.compactMap { $0["id"]?.int }).count == panels.count)
        let boxes = panels.map { panel in
            ["x", "y", "w", "h"].map { panel["gridPos"]?[$0]?.int ?? -1 }
        }
        for (index, box) in boxes.enumerated() {
            #expect(box[0] >= 0 && box[0] + box[2] <= 24)
            for other in boxes[..<index] {
                let apart =
                    box[0] >= other[0] + other[2] || other[0] >= box[0] + box[2]
                    || box[1] >= other[1] + other[3] || other[1] >= box[1] + box[3]
                #expect(apart, "\(panels[index]["title"]?.string ?? "")")
            }
        }
    }

    @Test(arguments: Board.all)
    func `every query has a letter, a source and a range that Grafana chooses`(board: Board) {
        for panel in board.json["panels"]?.array ?? [] where panel["type"]?.string != "row" {
            let targets = panel["targets"]?.array ?? []
            #expect(Set(targets.compactMap { $0["refId"]?.string }).count == targets.count)
            #expect(!targets.isEmpty)
            for target in targets {
                #expect(target["datasource"]?["uid"]?.string == "$datasource")
                let ranges = (target["expr"]?.string ?? "").matches(of: /\[([^\]]+)\]/)
                #expect(ranges.allSatisfy { ["$__rate_interval", "$__auto"].contains($0.1) })
            }
        }
    }

    @Test func `exemplars are asked for where there are some`() {
        let families = TelemetryCommand.families.filter(\.hasExemplars)
        #expect(Set(families.map(\.name)) == Set(Family.withExemplars))
        for panel in Board.all.flatMap({ $0.json["panels"]?.array ?? [] }) {
            for target in panel["targets"]?.array ?? [] {
                let asked = target["expr"]?.string ?? ""
                let hasSome = families.contains { asked.contains($0.name + "_bucket") }
                let isAsked = target["exemplar"]?.bool ?? false
                #expect(isAsked == (hasSome && panel["type"]?.string == "timeseries"), "\(asked)")
            }
        }
    }

    /// Grafana's own standard is green, and red from 80 on, of whatever.
    @Test func `a stat is about now, and has a colour that means something or none`() throws {
        let panels = Board.all.flatMap { $0.json["panels"]?.array ?? [] }
        let stats = panels.filter { $0["type"]?.string == "stat" }
        #expect(stats.count > 12)
        for stat in stats {
            let title = stat["title"]?.string ?? ""
            for target in stat["targets"]?.array ?? [] {
                #expect(target["instant"]?.bool == true && target["range"]?.bool == false)
            }
            let defaults = try #require(stat["fieldConfig"]?["defaults"])
            let steps = defaults["thresholds"]?["steps"]?.array ?? []
            let colors = Set(steps.compactMap { $0["color"]?.string })
            let mode = defaults["color"]?["mode"]?.string
            #expect(mode == (steps.isEmpty ? "fixed" : "thresholds"), "\(title)")
            #expect(steps.isEmpty || (colors.contains("red") && colors.count > 1), "\(title)")
        }
    }

    @Test(
        arguments: [
            ("overview", "Where the time goes", ["custom", "stacking", "mode"], "normal"),
            ("routes", "Self time by layer", ["custom", "stacking", "mode"], "normal"),
            ("slo", "Budget left", ["min"], nil),
            ("slo", "Burn rate", ["min"], "0"),
        ]
    )
    func `a graph's numbers are drawn as what they are`(
        board: String,
        title: String,
        path: [String],
        value: String?
    ) throws {
        let board = try #require(Board.all.first { $0.name == board })
        let panels = board.json["panels"]?.array ?? []
        let panel = try #require(panels.first { $0["title"]?.string == title })
        let defaults = try #require(panel["fieldConfig"]?["defaults"])
        let found = path.reduce(Optional(defaults)) { $0?[$1] }
        #expect(found?.string ?? found?.int.map { "\($0)" } == value)
    }

    @Test(
        arguments: [
            ("up", ["up"], []),
            (
                "sum by (a, b) (rate(x_total{c=\"}\",d=~\"y\"}[5m]))", ["x_total c d []"],
                ["a", "b"]
            ),
            ("a / on (job) group_left (c) b offset 1h", ["a", "b"], ["job", "c"]),
            ("histogram_quantile(0.9, sum by (le) (rate(h_bucket[5m])))", ["h_bucket []"], ["le"]),
            ("slo:x:rate1h{slo=\"a\"} > (14.4 * 0.001) and b", ["slo:x:rate1h slo", "b"], []),
            ("max(a) unless max by (x) (b == bool 1e3)", ["a", "b"], ["x"]),
        ]
    )
    func `names and labels of an expression are found`(
        expression: String,
        selectors: [String],
        groupings: [String]
    ) {
        let reading = PromQLReading(expression)
        let found = reading.selectors.map {
            ([$0.name] + $0.labels + ($0.isRange ? ["[]"] : [])).joined(separator: " ")
        }
        #expect(found == selectors)
        #expect(reading.groupings == groupings)
    }
}
