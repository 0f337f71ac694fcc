// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Telemetry

/// How the service stands against its objectives, without a Prometheus.
struct ObjectiveController: Sendable {
    let monitor: ObjectiveMonitor

    func show(_ request: Request) -> Response {
        let standings = monitor.standings
        guard !request.prefers("text/html") else { return Response(html: page(standings)) }
        return Response(.object([("objectives", .array(standings.map(document)))]))
    }

    private func document(_ standing: ObjectiveStanding) -> JSONValue {
        .object([
            ("slo", .string(standing.objective.name)),
            ("objective", .ratio(standing.objective.target)),
            ("requests", .ratio(standing.requests)),
            ("bad", .ratio(standing.bad)),
            ("budget_remaining", .ratio(standing.budgetRemaining)),
            ("windows", .array(standing.windows.map(window))),
            ("alerts", .array(BurnAlert.all.map { alert($0, standing) })),
        ])
    }

    private func window(_ window: ObjectiveStanding.Window) -> JSONValue {
        .object([
            ("window", .string(window.window.rawValue)),
            ("requests", .ratio(window.requests)),
            ("bad", .ratio(window.bad)),
            ("error_ratio", window.errorRatio.map(JSONValue.ratio) ?? .null),
            ("burn", window.burn.map(JSONValue.ratio) ?? .null),
        ])
    }

    private func alert(_ alert: BurnAlert, _ standing: ObjectiveStanding) -> JSONValue {
        .object([
            ("severity", .string(alert.severity.rawValue)),
            ("burn_above", .ratio(alert.factor(for: standing.objective))),
            ("long_window", .string(alert.long.rawValue)),
            ("short_window", .string(alert.short.rawValue)),
            ("bad_at_least", .ratio(alert.badMin)),
            ("firing", .bool(standing.isFiring(alert))),
        ])
    }

    private func page(_ standings: [ObjectiveStanding]) -> String {
        let note = """
            <p>What this process has counted itself, over thirty days or since it started; \
            a Prometheus with the shipped rules adds up all processes and their restarts.</p>
            """
        return HTML.page("Objectives", note + standings.map(section).joined())
    }

    private func section(_ standing: ObjectiveStanding) -> String {
        let rows = standing.windows.map { window in
            """
            <tr><td>last \(window.window.rawValue)<td>\(Int(window.requests.rounded()))\
            <td>\(Int(window.bad.rounded()))\
            <td>\(window.errorRatio.map(Self.percent) ?? "no requests")\
            <td>\(window.burn.map { "\(Self.hundredths($0))×" } ?? "")</tr>
            """
        }
        let alerts = BurnAlert.all.map { alert in
            """
            <tr><td>\(alert.severity.rawValue)\
            <td>burn above \(Self.hundredths(alert.factor(for: standing.objective)))× over \(alert.long.rawValue) \
            and \(alert.short.rawValue)\
            \(alert.badMin > 0 ? ", \(Self.hundredths(alert.badMin)) missed" : "")\
            <td>\(standing.isFiring(alert) ? "<strong class=\"bad\">firing</strong>" : "quiet")</tr>
            """
        }
        return """
            <h2>\(standing.objective.name): \(Self.percent(standing.objective.target))</h2>
            <p>\(Self.budget(standing)): \(Int(standing.bad)) of \(Int(standing.requests)) requests \
            missed the objective.</p>
            <table class="numbers"><tr><th>Window<th>Requests<th>Missed<th>Error ratio<th>Burn</tr>
            \(rows.joined(separator: "\n"))</table>
            <br><table><tr><th>Alert<th>When<th>Now</tr>\(alerts.joined(separator: "\n"))</table>
            """
    }

    private static func budget(_ standing: ObjectiveStanding) -> String {
        let left = standing.budgetRemaining
        return left >= 0
            ? "\(percent(left)) of the error budget is left"
            : "<span class=\"bad\">The error budget is used up \(hundredths(1 - left)) times</span>"
    }

    private static func percent(_ ratio: Double) -> String { "\(hundredths(ratio * 100)) %" }

    private static func hundredths(_ value: Double) -> String {
        guard value.magnitude < 1e12 else { return "\(value)" }
        let rounded = (value * 100).rounded() / 100
        return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
    }
}

extension JSONValue {
    static func ratio(_ value: Double) -> JSONValue { .number("\(value)") }
}
