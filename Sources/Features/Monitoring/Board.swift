// SPDX-License-Identifier: Apache-2.0

/// A Grafana dashboard that ships.
package struct Board: Sendable {
    package var name: String
    package var title: String
    package var description: String
    package var panels: [Panel]
    var source = Source.prometheus
    var picksRoute = false

    enum Source: String {
        case prometheus, loki

        /// The data source that `deploy/grafana` provisions.
        var identifier: String { "lucarne-\(rawValue)" }
    }

    package var identifier: String { "lucarne-\(name)" }
}

/// One question, put so that a glance answers it.
package struct Panel: Sendable {
    package enum Kind: String, Sendable {
        case row, stat, table, logs
        case graph = "timeseries"
    }

    /// Grafana's names.
    package enum Unit: String, Sendable {
        case requestsPerSecond = "reqps"
        case operationsPerSecond = "ops"
        case perSecond = "cps"
        case bytesPerSecond = "Bps"
        case seconds = "s"
        case ratio = "percentunit"
        case number = "short"
        case yesNo = "bool_yes_no"
        case milliseconds = "ms"
        case none, bytes
    }

    package struct Query: Sendable {
        package var expression: String
        package var legend: String

        init(_ expression: String, _ legend: String = "") {
            self.expression = expression
            self.legend = legend
        }
    }

    package var kind: Kind
    package var title: String
    package var description: String
    package var unit: Unit
    package var queries: [Query]
    var width: Int
    var look = Look()

    static func graph(
        _ title: String,
        _ description: String,
        _ unit: Unit,
        _ queries: Query...
    ) -> Panel { graph(title, description, unit, queries) }

    static func graph(
        _ title: String,
        _ description: String,
        _ unit: Unit,
        _ queries: [Query]
    ) -> Panel {
        Panel(
            kind: .graph,
            title: title,
            description: description,
            unit: unit,
            queries: queries,
            width: 12
        )
    }

    static func stat(
        _ title: String,
        _ description: String,
        _ unit: Unit,
        width: Int = 4,
        _ queries: Query...
    ) -> Panel {
        Panel(
            kind: .stat,
            title: title,
            description: description,
            unit: unit,
            queries: queries,
            width: width
        )
    }

    static func row(_ title: String) -> Panel {
        Panel(kind: .row, title: title, description: "", unit: .none, queries: [], width: 24)
    }

    static func lines(_ title: String, _ description: String, _ query: Query) -> Panel {
        Panel(
            kind: .logs,
            title: title,
            description: description,
            unit: .none,
            queries: [query],
            width: 24
        )
    }
}
