// SPDX-License-Identifier: Apache-2.0
import EventLoop
package import HTTPServer
package import JSONCoding
package import Telemetry

/// What the process tells about itself: metrics, probes, and a look inside.
///
/// It knows the telemetry; what else there is to tell comes as closures from the composition.
package struct Operations: Sendable {
    /// What other parts tell.
    package struct Sources: Sendable {
        /// Each setting's effective value and where it came from, secrets masked.
        package var configuration: @Sendable () -> JSONValue = { .object([]) }
        package var build: @Sendable () -> [(String, JSONValue)] = { [] }
        /// Grafana's boards for these very metrics, by file name.
        package var dashboards: @Sendable () -> [(name: String, text: String)] = { [] }
        /// Prometheus' rules for them.
        package var rules: @Sendable () -> String = { "" }

        package init() {}
    }

    let telemetry: Telemetry
    let sources: Sources
    /// Who may see all this; the probes are everybody's, their reasons are not.
    private let access: OperationsAccess
    /// Looking through many records takes longer than a loop may be kept.
    private let thread = BlockingPool(name: "inspection", width: 1, waitingMax: 4)

    package init(
        telemetry: Telemetry,
        sources: Sources = Sources(),
        access: OperationsAccess = OperationsAccess()
    ) {
        self.telemetry = telemetry
        self.sources = sources
        self.access = access
    }

    package var routes: [Route] { probes + closed }

    /// All that not everybody may see, a page of another origin least of all.
    package var closed: [Route] { figures + inside + logs + changes }

    /// For a listener that all the world reaches: yes or no, and nothing else.
    package var publicProbes: [Route] {
        asked(ProbeController(telemetry: telemetry) { _ in false })
    }

    /// The probes under the names of PostgREST's admin server, for a listener that has no tables.
    package var postgrestProbes: [Route] {
        [open("/live", probe.live), open("/ready", probe.ready)]
    }

    package var probes: [Route] {
        asked(probe) + [
            open("/readyz/objectives", probe.objectives), open("/readyz/{check}", probe.check),
        ]
    }

    private var probe: ProbeController {
        ProbeController(telemetry: telemetry, tellsDetails: access.admitsToDetails)
    }

    private func asked(_ probe: ProbeController) -> [Route] {
        [
            open("/livez", probe.live), open("/readyz", probe.ready),
            open("/startupz", probe.startup),
        ]
    }

    private var figures: [Route] {
        let metrics = MetricsController(telemetry: telemetry)
        let objectives = ObjectiveController(monitor: telemetry.objectives)
        let statements = StatementController(telemetry: telemetry)
        let traces = TraceController(telemetry: telemetry, thread: thread)
        return [
            guarded(.get, "/metrics", isScrape: true, metrics.scrape),
            guarded(.get, "/metrics/catalog", metrics.catalog),
            guarded(.get, "/debug/cardinality") { _ in metrics.cardinality() },
            guarded(.get, "/debug/slo", objectives.show),
            guarded(.get, "/debug/sql", statements.show),
            guarded(.get, "/debug/traces", asking: .traces, traces.list),
            guarded(.get, "/debug/traces/{id}", asking: .trace, traces.show),
        ]
    }

    private var inside: [Route] {
        let inside = InsideController(telemetry: telemetry, sources: sources)
        let files = FilesController(sources: sources)
        let profile = ProfileController()
        let open = Operations(telemetry: telemetry, sources: sources)
        let bundle = BundleController(
            telemetry: telemetry,
            routes: open.figures + open.logs,
            inside: inside,
            probe: ProbeController(telemetry: telemetry),
            files: files
        )
        return [
            guarded(.get, "/debug") { _ in inside.index() },
            guarded(.get, "/debug/") { _ in inside.index() },
            guarded(.get, "/debug/requests") { _ in inside.requests() },
            guarded(.get, "/debug/pool") { _ in inside.pool() },
            guarded(.get, "/debug/loops") { _ in inside.loops() },
            guarded(.get, "/debug/threads") { _ in inside.threads() },
            guarded(.get, "/debug/build") { _ in inside.build() },
            guarded(.get, "/debug/config") { _ in inside.configuration() },
            guarded(.get, "/debug/profile", profile.record),
            guarded(.get, "/debug/bundle") { _ in await bundle.make() },
            guarded(.get, "/dashboards") { _ in files.list() },
            guarded(.get, "/dashboards/{name}", files.dashboard),
            guarded(.get, "/alerts.yml") { _ in files.rules() },
        ]
    }

    private var logs: [Route] {
        let levels = LogController(logs: telemetry.logs)
        let tail = LogTailController(telemetry: telemetry, thread: thread)
        let scopes = LogScopeController(telemetry: telemetry)
        return [
            guarded(.get, "/debug/logs", asking: .logs, tail.show),
            guarded(.get, "/debug/logs/tail", asking: .tail, tail.follow),
            guarded(.get, "/debug/logs/ledger") { _ in levels.ledger() },
            guarded(.get, "/debug/log-level") { _ in levels.levels() },
            guarded(.get, "/debug/log-scope") { _ in scopes.show() },
        ]
    }

    private var changes: [Route] {
        let levels = LogController(logs: telemetry.logs)
        let scopes = LogScopeController(telemetry: telemetry)
        return [
            guarded(.post, "/debug/log-level", levels.change),
            guarded(.post, "/debug/log-scope", scopes.add),
        ]
    }

    /// What has to be looked at from time to time, until it is cancelled.
    package func run() async {
        var seconds: UInt64 = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            guard !Task.isCancelled else { return }
            telemetry.tick()
            seconds += 1
            if seconds * 1_000_000_000 % BurnHistory.period == 0 { telemetry.objectives.sample() }
        }
    }

    private typealias Respond =
        @Sendable (Request) async throws(ParameterFailure) -> Response

    /// A probe: Kubernetes has no token.
    private func open(_ template: String, _ respond: @escaping Respond) -> Route {
        route(.get, template, respond)
    }

    private func guarded(
        _ method: Method,
        _ template: String,
        isScrape: Bool = false,
        asking: Asking? = nil,
        _ respond: @escaping Respond
    ) -> Route {
        route(method, template, asking: asking) { [self] request throws(ParameterFailure) in
            let started = uptimeNanoseconds()
            let refusal = access.refusal(of: request, isScrape: isScrape)
            if refusal != nil || access.asksForToken {
                let spent = uptimeNanoseconds() &- started
                telemetry.report(
                    .decided(.operations, refusal.outcome, nanoseconds: spent),
                    in: request.trace
                )
            }
            guard let refusal else {
                try asking?.check(request)
                return try await respond(request)
            }
            if refusal != .noToken { warn(of: refusal, request) }
            var response = refusal.response
            response.failure?.code = refusal.rawValue
            return response
        }
    }

    /// Somebody guesses, or is made to ask.
    private func warn(of refusal: OperationsAccess.Refusal, _ request: Request) {
        telemetry.logs.write(
            .warning,
            .operations,
            "nobody may look inside like that",
            event: "operations.refused"
        ) { record in
            record.field("reason", refusal.rawValue)
            record.field("client.address", request.peerAddress)
        }
    }

    private func route(
        _ method: Method,
        _ template: String,
        asking: Asking? = nil,
        _ respond: @escaping Respond
    ) -> Route {
        let measured = RouteTelemetry(
            template: template,
            registry: telemetry.registry,
            isOperational: true
        )
        let controller = Boundary(.controller, "operations")
        return Route(method, template, bodyBytesMax: 4_096, telemetry: measured) { request in
            var response = await controller.measure(in: request) { request in
                do throws(ParameterFailure) {
                    return try await respond(request)
                } catch {
                    return Response(
                        status: 400,
                        code: "bad_parameter",
                        problem: error.description
                    )
                }
            }
            response = response.refused(request, asking)
            response.headers.set("Cache-Control", "no-store")
            return response
        }
    }
}

extension OperationsAccess.Refusal? {
    fileprivate var outcome: AuthenticationEvent.Outcome {
        switch self {
        case nil: .ok
        case .noToken: .missing
        case .wrongToken, .otherSite, .otherHost, .publicName: .forbidden
        }
    }
}

extension BlockingPool {
    /// Makes an answer that takes long.
    func answer(_ make: @escaping @Sendable () -> Response) async -> Response {
        let busy = Response(status: 503, problem: "others look through the same at this moment")
        return (try? await run(make)) ?? busy
    }
}

extension Response {
    init(_ json: JSONValue, status: Int = 200, contentType: String = "application/json") {
        var bytes: [UInt8] = []
        json.append(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        self.init(status: status, contentType: contentType, bytes)
    }

    init(html body: String) {
        self.init(status: 200, contentType: "text/html; charset=utf-8", body)
        // Nothing on these pages is fetched from elsewhere, and nothing in them runs.
        headers.set(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
        )
    }
}

extension Request {
    /// Whether the type is asked for by its name, and the other not rather (RFC 9110 §12.5.1).
    func prefers(_ type: String, over other: String = "application/json") -> Bool {
        let ranges = MediaRange.all(in: headers.joined("Accept"))
        func quality(_ type: String) -> Double? {
            ranges.filter { $0.type == type }.map(\.quality).max()
        }
        let group = other.prefix { $0 != "/" } + "/*"
        let others = quality(other) ?? quality(String(group)) ?? quality("*/*") ?? 0
        guard let wanted = quality(type) else { return false }
        return wanted > 0 && wanted >= others
    }
}

extension JSONValue {
    static func integer(_ value: some BinaryInteger) -> JSONValue { .number("\(value)") }

    /// Milliseconds with three decimals.
    static func milliseconds(_ nanoseconds: UInt64) -> JSONValue {
        let microseconds = nanoseconds / 1_000
        let fraction = "\(microseconds % 1_000 + 1_000)".dropFirst()
        return .number("\(microseconds / 1_000).\(fraction)")
    }

    static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
}
