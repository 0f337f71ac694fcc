// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What the build and the environment are called in logs, metrics and traces.
package struct ServiceIdentity: Sendable {
    package var name = "lucarne"
    package var version: String
    package var revision: String
    package var instanceID: String
    package var environment: String

    package init(
        version: String = "0.0.0",
        revision: String = "unknown",
        instanceID: String = "local",
        environment: String = "development"
    ) {
        self.version = version
        self.revision = revision
        self.instanceID = instanceID
        self.environment = environment
    }
}

/// What the telemetry is told at start.
package struct TelemetryConfiguration: Sendable {
    package var identity = ServiceIdentity()
    /// Off only to measure what it costs: requests and statements are then neither counted nor
    /// logged.
    package var isOn = true
    package var log = LogConfiguration()
    package var seriesMax = 50_000
    /// A request at least this long is slow: its trace is kept and its debug records written.
    package var slowRequestNanoseconds: UInt64 = 500_000_000
    package var slowStatementNanoseconds: UInt64 = 200_000_000
    /// Traces kept in memory, of each kind: ordinary, failed, slow. One takes some 1,500 bytes, more
    /// where its client sends long headers.
    package var tracesMax = 1_000
    /// One in so many ordinary requests has its trace kept; 0 keeps none of them.
    package var keepOneTraceIn = 100
    /// Whether a caller's word (`tracestate: lucarne=keep`, the sampled flag) keeps a trace.
    package var callersMayKeep = true
    /// Requests a second whose traces are kept and whose debug records are written because they
    /// failed; as many because they were slow, and because their callers asked for it.
    package var hindsightPerSecondMax = 50
    /// Plans asked for after slow statements, at most, in a minute.
    package var plansPerMinute = 6
    package var objectives = [
        ServiceObjective(.availability, target: 0.999),
        ServiceObjective(.latency(nanoseconds: 250_000_000), target: 0.99),
    ]

    /// Where kept traces are sent as OTLP/HTTP JSON; they stay in memory as well.
    package var traceEndpoint: ExportEndpoint?
    /// Where the metrics are sent as OTLP/HTTP JSON, besides being scraped.
    package var metricEndpoint: ExportEndpoint?
    package var metricPeriodMilliseconds: Int32 = 60_000
    /// The keys of a caller's `baggage` that go into logs and traces.
    package var baggageKeys: Set<String> = []
    /// Parameters whose values are secrets, beside those that anybody would take for some.
    package var redactKeys: [String] = []

    package init() {}
}

/// What connections have shown of the database.
final class DatabaseStanding: Sendable {
    let version = Atomic<Int>(0)
    let isLost = Atomic<Bool>(false)
    /// `postgres` until one was opened.
    let name = Mutex("postgres")

    /// What metrics and spans alike call the place of a statement (semantic conventions, PostgreSQL).
    func namespace(_ schema: String) -> String {
        let name = name.withLock(\.self)
        return schema.isEmpty ? name : "\(name)|\(schema)"
    }
}

/// The composition: the registry, the log, and what turns facts into both.
package final class Telemetry: Sendable {
    package let configuration: TelemetryConfiguration
    package let registry: MetricRegistry
    package let logs: LogPipeline
    package let unmatchedRoute: RouteTelemetry
    /// The same on the operations' own listener, where nobody looks for the service.
    package let unmatchedOperation: RouteTelemetry
    package let health: HealthMonitor
    package let traces: TraceStore
    package let flights: RequestsInFlight
    package let objectives: ObjectiveMonitor
    package let plans: StatementPlans
    package let scopes = LogScopes()
    let hindsight: HindsightLimits
    /// Uptime.
    package let startedAt = uptimeNanoseconds()

    let http: HTTPMetrics
    let connections: ConnectionMetrics
    let middleware: MiddlewareMetrics
    let authentication: AuthenticationMetrics
    let caches: CacheMetrics
    let sql: SQLMetrics
    let statements: StatementSeries
    let pool: PoolMetrics
    let loops: LoopMetrics
    let process: ProcessMetrics
    let database = DatabaseStanding()
    let secretNames: SecretNames
    let scrapes: ScrapeMetrics
    private let exporter: TraceExporter?
    private let metricsExporter: MetricsExporter?

    package init(_ configuration: TelemetryConfiguration = TelemetryConfiguration()) {
        let registry = MetricRegistry(linesMax: configuration.seriesMax)
        self.configuration = configuration
        secretNames = SecretNames(adding: configuration.redactKeys)
        self.registry = registry
        http = registry.shared(HTTPMetrics.self)
        connections = registry.shared(ConnectionMetrics.self)
        middleware = registry.shared(MiddlewareMetrics.self)
        authentication = registry.shared(AuthenticationMetrics.self)
        caches = registry.shared(CacheMetrics.self)
        authentication.observe(registry, CacheTelemetry(.token, caches))
        sql = registry.shared(SQLMetrics.self)
        statements = StatementSeries(sql, of: database)
        pool = registry.shared(PoolMetrics.self)
        loops = registry.shared(LoopMetrics.self)
        logs = LogPipeline(
            configuration.log,
            identity: configuration.identity,
            registry: registry
        )
        let exports = registry.shared(ExportMetrics.self)
        let plans = StatementPlans(perMinute: configuration.plansPerMinute, registry)
        self.plans = plans
        exporter = configuration.traceEndpoint.map {
            TraceExporter($0, configuration.identity, exports, plans: plans)
        }
        let traces = TraceStore(
            registry.shared(TraceMetrics.self),
            configuration.tracesMax,
            baggageKeys: configuration.baggageKeys,
            secretNames: secretNames,
            database: database,
            exporter: exporter
        )
        self.traces = traces
        metricsExporter = configuration.metricEndpoint.map {
            MetricsExporter(
                $0,
                configuration.identity,
                registry,
                isHeld: { traces.contains($0.traceIDHigh, $0.traceIDLow) },
                periodMilliseconds: configuration.metricPeriodMilliseconds
            )
        }
        hindsight = HindsightLimits(perSecondMax: configuration.hindsightPerSecondMax)
        flights = RequestsInFlight()
        health = HealthMonitor(registry.shared(HealthMetrics.self), logs: logs)
        registry.refresh { [health] in health.tick() }
        process = registry.shared(ProcessMetrics.self)
        process.observe(registry, configuration.identity)
        objectives = ObjectiveMonitor(configuration.objectives, registry)
        scrapes = registry.shared(ScrapeMetrics.self)
        scrapes.observe(registry)
        unmatchedRoute = .unrouted(registry, isOperational: false)
        unmatchedOperation = .unrouted(registry, isOperational: true)
        exporter?.start()
        metricsExporter?.start()
    }

    /// Sends and writes what is queued, in little time; the last record says what became of all.
    package func close() {
        exporter?.close()
        metricsExporter?.close()
        logs.end()
    }

    /// What only the passing of time changes. To be called every second.
    package func tick() {
        health.tick()
        logs.restoreLevels()
        expireScopes()
        sampleSlowLimits()
        for family in registry.takeOverflows() {
            logs.write(.warning, .app, "metric overflows", event: "metrics.overflow") { record in
                record.field("metric", family)
                record.field("series.used", registry.linesUsed)
                record.field("series.max", registry.linesMax)
            }
        }
    }

    package func scrape(as format: ExpositionFormat) -> Scrape { Scrape(self, format) }

    /// The registry as a scraper asked for it, at once.
    package func exposition(as format: ExpositionFormat) -> [UInt8] {
        var scrape = Scrape(self, format)
        return scrape.next(about: .max) ?? []
    }
}
