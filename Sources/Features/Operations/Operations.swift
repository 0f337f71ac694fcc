// SPDX-License-Identifier: Apache-2.0
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
    /// Asked for, as a bearer token, by everything but the probes.
    private let token: String?

    package init(telemetry: Telemetry, sources: Sources = Sources(), token: String? = nil) {
        self.telemetry = telemetry
        self.sources = sources
        self.token = token
    }

    package var routes: [Route] { probes + figures + inside + logs + changes }

    /// For a listener that all the world reaches: yes or no, and nothing else.
    package var publicProbes: [Route] {
        asked(ProbeController(health: telemetry.health, identity: identity, tellsDetails: false))
    }

    /// The probes under the names of PostgREST's admin server, for a listener that has no tables.
    package var postgrestProbes: [Route] {
        let probes = ProbeController(health: telemetry.health, identity: identity)
        return [open("/live") { probes.live($0) }, open("/ready") { probes.ready($0) }]
    }

    private var probes: [Route] {
        let probes = ProbeController(health: telemetry.health, identity: identity)
        return asked(probes) + [open("/readyz/{check}") { probes.check($0) }]
    }

    private func asked(_ probes: ProbeController) -> [Route] {
        [
            open("/livez") { probes.live($0) }, open("/readyz") { probes.ready($0) },
            open("/startupz") { probes.startup($0) },
        ]
    }

    private var figures: [Route] {
        let metrics = MetricsController(telemetry: telemetry)
        let objectives = ObjectiveController(monitor: telemetry.objectives)
        let statements = StatementController(telemetry: telemetry)
        let traces = TraceController(telemetry: telemetry)
        return [
            guarded(.get, "/metrics") { metrics.scrape($0) },
            guarded(.get, "/metrics/catalog") { metrics.catalog($0) },
            guarded(.get, "/debug/cardinality") { _ in metrics.cardinality() },
            guarded(.get, "/debug/slo") { objectives.show($0) },
            guarded(.get, "/debug/sql") { statements.show($0) },
            guarded(.get, "/debug/traces") { traces.list($0) },
            guarded(.get, "/debug/traces/{id}") { traces.show($0) },
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
            inside: inside
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
            guarded(.get, "/debug/profile") { await profile.record($0) },
            guarded(.get, "/debug/bundle") { _ in await bundle.make() },
            guarded(.get, "/dashboards") { _ in files.list() },
            guarded(.get, "/dashboards/{name}") { files.dashboard($0) },
            guarded(.get, "/alerts.yml") { _ in files.rules() },
        ]
    }

    private var logs: [Route] {
        let levels = LogController(logs: telemetry.logs)
        let tail = LogTailController(telemetry: telemetry)
        let scopes = LogScopeController(telemetry: telemetry)
        return [
            guarded(.get, "/debug/logs") { tail.show($0) },
            guarded(.get, "/debug/logs/tail") { tail.follow($0) },
            guarded(.get, "/debug/logs/ledger") { _ in levels.ledger() },
            guarded(.get, "/debug/log-level") { _ in levels.levels() },
            guarded(.get, "/debug/log-scope") { _ in scopes.show() },
        ]
    }

    private var changes: [Route] {
        let levels = LogController(logs: telemetry.logs)
        let scopes = LogScopeController(telemetry: telemetry)
        return [
            guarded(.post, "/debug/log-level") { levels.change($0) },
            guarded(.post, "/debug/log-scope") { scopes.add($0) },
        ]
    }

    /// What has to be looked at from time to time, until it is cancelled.
    package func run() async {
        var seconds: UInt64 = 0
        while !Task.isCancelled {
            try? await Task.sleep(for: .seconds(1))
            guard !Task.isCancelled else { return }
            telemetry.sampleSlowLimits()
            seconds += 1
            if seconds * 1_000_000_000 % BurnHistory.period == 0 { telemetry.objectives.sample() }
        }
    }

    private var identity: ServiceIdentity { telemetry.configuration.identity }

    /// A probe: Kubernetes has no token.
    private func open(
        _ template: String,
        _ respond: @escaping @Sendable (Request) async -> Response
    ) -> Route {
        route(.get, template, respond)
    }

    private func guarded(
        _ method: Method,
        _ template: String,
        _ respond: @escaping @Sendable (Request) async -> Response
    ) -> Route {
        guard let token else { return route(method, template, respond) }
        return route(method, template) { request in
            let given = request.headers["Authorization"] ?? ""
            guard Self.matches(given, "Bearer \(token)") else {
                var refusal = Response(status: 401, problem: "a bearer token is needed here")
                refusal.headers.set("WWW-Authenticate", "Bearer")
                return refusal
            }
            return await respond(request)
        }
    }

    private func route(
        _ method: Method,
        _ template: String,
        _ respond: @escaping @Sendable (Request) async -> Response
    ) -> Route {
        let measured = RouteTelemetry(
            template: template,
            registry: telemetry.registry,
            isOperational: true
        )
        return Route(method, template, bodyBytesMax: 4_096, telemetry: measured) { request in
            var response = await respond(request)
            response.headers.set("Cache-Control", "no-store")
            return response
        }
    }

    /// Takes as long for a wrong token as for the right one.
    private static func matches(_ given: String, _ wanted: String) -> Bool {
        let (given, wanted) = (Array(given.utf8), Array(wanted.utf8))
        guard given.count == wanted.count else { return false }
        return zip(given, wanted).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension Response {
    init(_ json: JSONValue, status: Int = 200, contentType: String = "application/json") {
        var bytes: [UInt8] = []
        json.append(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        self.init(status: status, contentType: contentType, bytes)
    }

    init(status: Int, problem: String) {
        self.init(.object([("message", .string(problem))]), status: status)
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
    /// The values of a query parameter, in order.
    func parameters(_ name: String) -> [String] {
        (queryBytes ?? []).split(separator: UInt8(ascii: "&")).compactMap { pair in
            let key = pair.prefix { $0 != UInt8(ascii: "=") }
            guard Array(key) == Array(name.utf8) else { return nil }
            return try? PercentEncoding.decode(pair.dropFirst(key.count + 1), plusIsSpace: true)
        }
    }

    func prefers(_ type: String) -> Bool { headers["Accept"]?.contains(type) ?? false }
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
