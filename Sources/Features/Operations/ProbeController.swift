// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Telemetry

/// Probes as the Kubernetes API server answers them: `ok`, or the checks and what is wrong.
///
/// A probe reads what the checks have found; it never looks itself.
struct ProbeController: Sendable {
    let telemetry: Telemetry
    /// What fails is not everybody's business.
    var tellsDetails: @Sendable (Request) -> Bool = { _ in true }

    private var health: HealthMonitor { telemetry.health }

    /// The process runs and its loops turn. Nothing outside the process can make it fail: a
    /// restart would not bring a database back.
    func live(_ request: Request) throws(ParameterFailure) -> Response {
        try answer(request, .live, isStateFine: true)
    }

    /// Started, not told to stop, and what requests need is there.
    func ready(_ request: Request) throws(ParameterFailure) -> Response {
        let isStateFine =
            switch health.lifecycle {
            case .ready, .degraded: true
            case .starting, .draining, .stopped: false
            }
        return try answer(request, .ready, isStateFine: isStateFine)
    }

    /// The start is over, well or not: from here on liveness decides.
    func startup(_ request: Request) throws(ParameterFailure) -> Response {
        try answer(request, .startup, isStateFine: health.lifecycle != .starting)
    }

    /// One check alone.
    func check(_ request: Request) throws(ParameterFailure) -> Response {
        let name = request.pathParameter("check")
        let entries = health.entries.filter { $0.name == name }
        guard !entries.isEmpty else { return Response(status: 404, problem: "no such check") }
        return try answer(request, entries, true)
    }

    /// Whether the objectives are kept, for whoever decides about a new version: no while one burns
    /// as fast as a page is sent for. No part of readiness, which would take away what is left.
    func objectives(_ request: Request) throws(ParameterFailure) -> Response {
        let standings = telemetry.objectives.standings.map { standing in
            (
                standing.objective.name,
                BurnAlert.all.filter { standing.isPaging($0) }.map(standing.words)
            )
        }
        let isFine = standings.allSatisfy(\.1.isEmpty)
        let status = isFine ? 200 : 503
        let isVerbose = try request.flag("verbose") ?? false
        guard tellsDetails(request) else { return Self.plain(status, isFine ? "ok" : "failed") }
        if Self.isForPrograms(request) {
            let checks = standings.map { name, reasons in
                let check = JSONValue.object([
                    ("componentType", .string("objective")),
                    ("status", .string(reasons.isEmpty ? "pass" : "fail")),
                    ("output", .string(reasons.joined(separator: "; "))),
                ])
                return ("\(name):burnRate", JSONValue.array([check]))
            }
            return document(checks, isFine ? "pass" : "fail", status: status)
        }
        guard isVerbose || !isFine else { return Self.plain(status, "ok") }
        let lines = standings.flatMap { name, reasons in
            reasons.isEmpty
                ? isVerbose ? ["[+]\(name) ok"] : [] : reasons.map { "[-]\(name): \($0)" }
        }
        let end = isFine ? "passed\n" : "failed\n"
        return Self.plain(status, (lines + [end]).joined(separator: "\n"))
    }

    private static func isForPrograms(_ request: Request) -> Bool {
        request.prefers("application/health+json", over: "text/plain")
            || request.prefers("application/json", over: "text/plain")
    }

    private func answer(
        _ request: Request,
        _ probe: HealthProbe,
        isStateFine: Bool
    ) throws(ParameterFailure) -> Response {
        // Repeated, or in a list.
        var left = Set<String>()
        for names in try request.parameters("exclude") {
            left.formUnion(names.split(separator: ",").map(String.init))
        }
        let all = health.entries.filter { $0.probe == probe }
        let entries = all.filter { !left.contains($0.name) }
        left.subtract(all.map(\.name))
        // As Kubernetes' API server says it.
        let quoted = left.sorted().map { JSONValue.string($0).compactText }.joined(separator: ", ")
        let warning = "some health checks cannot be excluded: no matches for \(quoted)"
        return try answer(request, entries, isStateFine, left.isEmpty ? nil : warning)
    }

    private func answer(
        _ request: Request,
        _ entries: [HealthMonitor.Entry],
        _ isStateFine: Bool,
        _ warning: String? = nil
    ) throws(ParameterFailure) -> Response {
        let now = uptimeNanoseconds()
        let isFine = isStateFine && entries.allSatisfy { $0.status(at: now) != .fail }
        let status = isFine ? 200 : 503
        let isVerbose = try request.flag("verbose") ?? false
        guard tellsDetails(request) else { return Self.plain(status, isFine ? "ok" : "failed") }
        if Self.isForPrograms(request) {
            let hasWarnings = entries.contains { $0.status(at: now) == .warn }
            let checks = entries.map { entry in
                ("\(entry.measured):responseTime", JSONValue.array([finding(entry, now: now)]))
            }
            let word = isFine ? hasWarnings ? "warn" : "pass" : "fail"
            return document(checks, word, status: status, warning)
        }
        guard isVerbose || !isFine else { return Self.plain(status, "ok") }
        var lines = ["\(isStateFine ? "[+]" : "[-]")state \(health.lifecycle.rawValue)"]
        for entry in entries { lines.append(line(entry, now: now)) }
        if let warning { lines.append("warn: \(warning)") }
        lines.append(isFine ? "passed\n" : "failed\n")
        return Self.plain(status, lines.joined(separator: "\n"))
    }

    private static func plain(_ status: Int, _ text: String) -> Response {
        Response(status: status, contentType: "text/plain; charset=utf-8", text)
    }

    private func line(_ entry: HealthMonitor.Entry, now: UInt64) -> String {
        let status = entry.status(at: now)
        let mark = status == .fail ? "[-]" : "[+]"
        let word =
            switch status {
            case .pass: "ok"
            case .warn: "warning"
            case .fail: "failed"
            }
        guard entry.foundAt > 0 else { return "\(mark)\(entry.name) \(word): not checked yet" }
        let age = (now &- entry.foundAt) / 1_000_000_000
        let took = entry.finding.nanoseconds / 1_000_000
        let output = entry.finding.output.isEmpty ? "" : ": \(entry.finding.output)"
        return "\(mark)\(entry.name) \(word)\(output) (\(took)ms, \(age)s ago)"
    }

    /// `application/health+json` (draft-inadarei-api-health-check).
    private func document(
        _ checks: [(String, JSONValue)],
        _ word: String,
        status: Int,
        _ warning: String? = nil
    ) -> Response {
        let identity = telemetry.configuration.identity
        var members: [(String, JSONValue)] = [
            ("status", .string(word)),
            ("version", .string("1")),
            ("releaseId", .string(identity.version)),
            ("serviceId", .string(identity.instanceID)),
            ("state", .string(health.lifecycle.rawValue)),
            ("checks", .object(checks)),
        ]
        if let warning { members.append(("notes", .array([.string(warning)]))) }
        return Response(.object(members), status: status, contentType: "application/health+json")
    }

    private func finding(_ entry: HealthMonitor.Entry, now: UInt64) -> JSONValue {
        .object([
            ("componentType", .string(entry.component)),
            ("status", .string(entry.status(at: now).rawValue)),
            ("observedValue", .milliseconds(entry.finding.nanoseconds)),
            ("observedUnit", .string("ms")),
            ("time", entry.foundAt > 0 ? .string(internetTime(entry.foundAtWall)) : .null),
            ("output", .string(entry.finding.output)),
        ])
    }
}

extension HealthMonitor.Entry {
    /// The draft's component, whose response time each check tells (§4).
    fileprivate var measured: String { component == "datastore" ? "postgresql" : name }
}

extension ObjectiveStanding {
    fileprivate func isPaging(_ alert: BurnAlert) -> Bool {
        alert.severity == .page && isFiring(alert)
    }

    fileprivate func words(_ alert: BurnAlert) -> String {
        let factor = (alert.factor(for: objective) * 100).rounded() / 100
        let windows = "\(alert.long.rawValue) and \(alert.short.rawValue)"
        return "its budget burns more than \(factor) times too fast over \(windows)"
    }
}
