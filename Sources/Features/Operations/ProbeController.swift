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
        try answer(request, entries: entries(of: .live, request), isStateFine: true)
    }

    /// Started, not told to stop, and what requests need is there.
    func ready(_ request: Request) throws(ParameterFailure) -> Response {
        let isStateFine =
            switch health.lifecycle {
            case .ready, .degraded: true
            case .starting, .draining, .stopped: false
            }
        return try answer(request, entries: entries(of: .ready, request), isStateFine: isStateFine)
    }

    /// The start is over, well or not: from here on liveness decides.
    func startup(_ request: Request) throws(ParameterFailure) -> Response {
        let isStateFine = health.lifecycle != .starting
        return try answer(
            request,
            entries: entries(of: .startup, request),
            isStateFine: isStateFine
        )
    }

    /// One check alone.
    func check(_ request: Request) throws(ParameterFailure) -> Response {
        let name = request.pathParameter("check")
        let entries = health.entries.filter { $0.name == name }
        guard !entries.isEmpty else { return Response(status: 404, problem: "no such check") }
        return try answer(request, entries: entries, isStateFine: true)
    }

    /// Whether the objectives are kept, for whoever decides about a new version: no while one burns
    /// as fast as a page is sent for. No part of readiness, which would take away what is left.
    func objectives(_ request: Request) -> Response {
        let reasons = telemetry.objectives.standings.flatMap { standing in
            BurnAlert.all.filter { $0.severity == .page && standing.isFiring($0) }.map { alert in
                "[-]\(standing.objective.name): its budget burns more than \(alert.factor) times "
                    + "too fast over \(alert.long.rawValue) and \(alert.short.rawValue)"
            }
        }
        guard !reasons.isEmpty else { return Self.plain(200, "ok") }
        let lines = reasons + ["failed\n"]
        return Self.plain(503, tellsDetails(request) ? lines.joined(separator: "\n") : "failed")
    }

    private func entries(
        of probe: HealthProbe,
        _ request: Request
    ) throws(ParameterFailure) -> [HealthMonitor.Entry] {
        let excluded = try request.parameters("exclude")
        return health.entries.filter { $0.probe == probe && !excluded.contains($0.name) }
    }

    private func answer(
        _ request: Request,
        entries: [HealthMonitor.Entry],
        isStateFine: Bool
    ) throws(ParameterFailure) -> Response {
        let now = uptimeNanoseconds()
        let isFine = isStateFine && entries.allSatisfy { $0.status(at: now) != .fail }
        let status = isFine ? 200 : 503
        let isVerbose = try request.flag("verbose")
        guard tellsDetails(request) else { return Self.plain(status, isFine ? "ok" : "failed") }
        if request.prefers("application/health+json") || request.prefers("application/json") {
            return document(entries, status: status, now: now)
        }
        guard isVerbose || !isFine else { return Self.plain(status, "ok") }
        return Self.plain(status, verbose(entries, isStateFine, isFine, now: now))
    }

    private static func plain(_ status: Int, _ text: String) -> Response {
        Response(status: status, contentType: "text/plain; charset=utf-8", text)
    }

    private func verbose(
        _ entries: [HealthMonitor.Entry],
        _ isStateFine: Bool,
        _ isFine: Bool,
        now: UInt64
    ) -> String {
        var lines = ["\(isStateFine ? "[+]" : "[-]")state \(health.lifecycle.rawValue)"]
        for entry in entries { lines.append(line(entry, now: now)) }
        lines.append(isFine ? "passed" : "failed")
        return lines.joined(separator: "\n") + "\n"
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
        _ entries: [HealthMonitor.Entry],
        status: Int,
        now: UInt64
    ) -> Response {
        let hasWarnings = entries.contains { $0.status(at: now) == .warn }
        let word = status != 200 ? "fail" : hasWarnings ? "warn" : "pass"
        let checks = entries.map { entry in
            ("\(entry.measured):responseTime", JSONValue.array([finding(entry, now: now)]))
        }
        let identity = telemetry.configuration.identity
        return Response(
            .object([
                ("status", .string(word)),
                ("version", .string("1")),
                ("releaseId", .string(identity.version)),
                ("serviceId", .string(identity.instanceID)),
                ("state", .string(health.lifecycle.rawValue)),
                ("checks", .object(checks)),
            ]),
            status: status,
            contentType: "application/health+json"
        )
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
