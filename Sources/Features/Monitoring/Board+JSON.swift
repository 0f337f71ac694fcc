// SPDX-License-Identifier: Apache-2.0
package import JSONCoding

// Grafana's classic model at schema version 42, the last: Grafana 10 to 13 load it, later ones
// turn it into their own when they do.
extension Board {
    package var json: JSONValue {
        .object([
            ("uid", .string(identifier)),
            ("title", .string("Lucarne / \(title)")),
            ("description", .string(description)),
            ("tags", ["lucarne"]),
            ("schemaVersion", 42),
            ("version", 1),
            ("editable", false),
            ("graphTooltip", 1),
            ("refresh", "30s"),
            ("time", .object([("from", "now-1h"), ("to", "now")])),
            ("timezone", "browser"),
            ("timepicker", .object([])),
            ("templating", .object([("list", .array(templating))])),
            ("annotations", .object([("list", .array(annotations))])),
            ("links", .array([Self.link])),
            ("panels", .array(laidOut)),
        ])
    }

    private var templating: [JSONValue] {
        // Where there is no such source, Grafana takes the first of the type.
        let preferred = JSONValue.object([
            ("text", .string(source.identifier)), ("value", .string(source.identifier)),
        ])
        let datasource = JSONValue.object([
            ("name", "datasource"), ("label", "Data source"), ("type", "datasource"),
            ("query", .string(source.rawValue)), ("refresh", 1), ("current", preferred),
        ])
        return [datasource] + variables.map(json)
    }

    private func json(of variable: Variable) -> JSONValue {
        let definition = JSONValue.string(variable.query)
        let query =
            source == .prometheus
            ? [("query", definition), ("refId", .string(variable.name))]
            // 1: the values of a label.
            : [
                ("type", 1), ("stream", .string(variable.series)),
                ("label", .string(variable.label)), ("refId", .string(variable.name)),
            ]
        let all = variable.all.map { [("allValue", JSONValue.string($0))] } ?? []
        return .object(
            [
                ("name", .string(variable.name)), ("label", .string(variable.title)),
                ("type", "query"), ("datasource", reference),
                ("query", .object(query)), ("definition", definition), ("refresh", 2),
                ("includeAll", true), ("multi", true),
            ] + all + [
                ("current", .object([("text", "All"), ("value", "$__all")])), ("sort", 1),
            ]
        )
    }

    private var annotations: [JSONValue] {
        let builtIn = JSONValue.object([
            ("builtIn", 1),
            ("datasource", .object([("type", "grafana"), ("uid", "-- Grafana --")])),
            ("enable", true), ("hide", true), ("iconColor", "rgba(0, 211, 255, 1)"),
            ("name", "Annotations & Alerts"), ("type", "dashboard"),
        ])
        guard source == .prometheus else { return [builtIn] }
        let started = PromQL.board.series("process_start_time_seconds")
        let restarts = JSONValue.object([
            ("name", "Restarts"), ("datasource", reference), ("enable", true),
            ("iconColor", "orange"), ("expr", .string("changes(\(started)[1m]) > 0")),
            ("titleFormat", "restart"), ("textFormat", "{{instance}}"),
        ])
        return [builtIn, restarts]
    }

    private static let link = JSONValue.object([
        ("type", "dashboards"), ("tags", ["lucarne"]), ("asDropdown", true),
        ("title", "Lucarne"), ("includeVars", true), ("keepTime", true),
        ("targetBlank", false), ("icon", "external link"), ("tooltip", ""), ("url", ""),
    ])

    private var reference: JSONValue {
        .object([("type", .string(source.rawValue)), ("uid", "$datasource")])
    }

    /// The panels from left to right, as many in a line as there is room for.
    private var laidOut: [JSONValue] {
        var place = (x: 0, y: 0)
        var lineHeight = 0
        var list: [JSONValue] = []
        for (index, panel) in panels.enumerated() {
            let height = panel.height
            if place.x + panel.width > 24 || panel.kind == .row {
                place = (0, place.y + lineHeight)
                lineHeight = 0
            }
            let grid = JSONValue.object([
                ("h", .number("\(height)")), ("w", .number("\(panel.width)")),
                ("x", .number("\(place.x)")), ("y", .number("\(place.y)")),
            ])
            list.append(json(of: panel, number: index + 1, at: grid))
            place.x += panel.width
            lineHeight = max(lineHeight, height)
        }
        return list
    }

    private func json(of panel: Panel, number: Int, at grid: JSONValue) -> JSONValue {
        let head: [(String, JSONValue)] = [
            ("id", .number("\(number)")), ("type", .string(panel.kind.rawValue)),
            ("title", .string(panel.title)),
        ]
        guard panel.kind != .row else {
            return .object(
                head + [("collapsed", false), ("panels", .array([])), ("gridPos", grid)]
            )
        }
        return .object(
            head + [
                ("description", .string(panel.description)), ("datasource", reference),
                ("gridPos", grid), ("targets", .array(targets(of: panel))),
                ("fieldConfig", panel.fieldConfiguration), ("options", panel.options),
            ]
        )
    }

    private func targets(of panel: Panel) -> [JSONValue] {
        let letters = Array("ABCDEFGHIJ")
        return zip(letters, panel.queries).map { letter, query in
            let common: [(String, JSONValue)] = [
                ("refId", .string(String(letter))), ("datasource", reference),
                ("expr", .string(query.expression)), ("legendFormat", .string(query.legend)),
            ]
            guard source == .prometheus else {
                return .object(common + [("queryType", "range")])
            }
            let showsExemplars =
                panel.kind == .graph
                && Family.withExemplars.contains { query.expression.contains($0 + "_bucket") }
            // A stat is about now: of a range it would show the last value, of what is gone too.
            let isInstant = panel.kind == .stat || panel.kind == .table
            return .object(
                common + [
                    ("exemplar", .bool(showsExemplars)), ("instant", .bool(isInstant)),
                    ("range", .bool(!isInstant)),
                ]
            )
        }
    }
}

extension Panel {
    fileprivate var height: Int {
        switch kind {
        case .row: 1
        case .stat: 4
        case .graph, .table: 8
        case .logs: 16
        }
    }

    fileprivate var fieldConfiguration: JSONValue {
        var defaults: [(String, JSONValue)] = [("unit", .string(unit.rawValue))]
        switch kind {
        case .graph:
            if !look.isSigned { defaults.append(("min", 0)) }
            defaults.append(("custom", look.lines))
        case .stat: defaults += look.coloring
        case .row, .table, .logs: break
        }
        return .object([("defaults", .object(defaults)), ("overrides", .array([]))])
    }

    fileprivate var options: JSONValue {
        switch kind {
        case .graph:
            .object([
                (
                    "legend",
                    .object([
                        ("displayMode", "table"), ("placement", "bottom"),
                        ("calcs", ["mean", "max"]),
                    ])
                ),
                ("tooltip", .object([("mode", "multi"), ("sort", "desc")])),
            ])
        case .logs:
            .object([
                ("showTime", true), ("wrapLogMessage", true), ("enableLogDetails", true),
                ("sortOrder", "Descending"),
            ])
        case .stat:
            .object([
                ("textMode", look.showsName ? "name" : "auto"), ("colorMode", "value"),
                ("graphMode", "none"),
            ])
        case .row, .table: .object([])
        }
    }
}

extension Panel.Look {
    fileprivate var lines: JSONValue {
        guard isStacked else {
            return .object([("fillOpacity", 10), ("showPoints", "never")])
        }
        return .object([
            ("fillOpacity", 60), ("showPoints", "never"),
            ("stacking", .object([("group", "A"), ("mode", "normal")])),
        ])
    }

    fileprivate var coloring: [(String, JSONValue)] {
        guard !steps.isEmpty else {
            let color = JSONValue.string(self.color.rawValue)
            return [("color", .object([("mode", "fixed"), ("fixedColor", color)]))]
        }
        // The first step has no number: it is there from minus infinity.
        let first = [(JSONValue.null, color)]
        let all = first + steps.map { (.number($0.from.promQL), $0.color) }
        let list = all.map { from, color in
            JSONValue.object([("color", .string(color.rawValue)), ("value", from)])
        }
        return [
            ("color", .object([("mode", "thresholds")])),
            ("thresholds", .object([("mode", "absolute"), ("steps", .array(list))])),
        ]
    }
}
