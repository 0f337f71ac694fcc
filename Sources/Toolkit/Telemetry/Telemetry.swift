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
    package var log = LogConfiguration()
    package var seriesMax = 50_000
    /// A request at least this long is slow: its trace is kept and its debug records written.
    package var slowRequestNanoseconds: UInt64 = 500_000_000
    package var slowStatementNanoseconds: UInt64 = 200_000_000
    /// One in so many ordinary requests has its trace kept; 0 keeps none of them.
    package var keepOneTraceIn = 100

    package init() {}
}

/// The composition: the registry, the log, and what turns facts into both.
package final class Telemetry: Sendable {
    package let configuration: TelemetryConfiguration
    package let registry: MetricRegistry
    package let logs: LogPipeline
    package let unmatchedRoute: RouteTelemetry

    let http: HTTPMetrics
    let connections: ConnectionMetrics
    let middleware: MiddlewareMetrics
    let authentication: AuthenticationMetrics
    let sql: SQLMetrics
    let pool: PoolMetrics
    let loops: LoopMetrics

    package init(_ configuration: TelemetryConfiguration = TelemetryConfiguration()) {
        let registry = MetricRegistry(linesMax: configuration.seriesMax)
        self.configuration = configuration
        self.registry = registry
        logs = LogPipeline(configuration.log, identity: configuration.identity)
        http = registry.shared(HTTPMetrics.self)
        connections = registry.shared(ConnectionMetrics.self)
        middleware = registry.shared(MiddlewareMetrics.self)
        authentication = registry.shared(AuthenticationMetrics.self)
        sql = registry.shared(SQLMetrics.self)
        pool = registry.shared(PoolMetrics.self)
        loops = registry.shared(LoopMetrics.self)
        unmatchedRoute = RouteTelemetry(template: "_unmatched", registry: registry)
    }

    /// A request's first byte was read and its head is known.
    package func requestStarted(_ trace: RequestTrace) {
        http.active[Int(trace.method.rawValue)].add(1)
        http.traceContexts[Int(trace.context.origin.rawValue)].add()
    }

    /// A request is over: metrics and its one wide record.
    package func requestEnded(_ trace: RequestTrace, _ summary: RequestSummary) {
        trace.end(at: summary.endedAt == 0 ? uptimeNanoseconds() : summary.endedAt)
        http.active[Int(trace.method.rawValue)].add(-1)
    }
}

extension Telemetry {
    package func report(_ event: ConnectionEvent, on listener: Listener = .public) {}
    package func report(_ event: MiddlewareEvent) {}
    package func report(_ event: AuthenticationEvent) {}
    package func report(_ event: PoolEvent) {}
    package func report(_ event: SQLEvent, in trace: RequestTrace? = nil) {}
    package func report(_ event: LoopEvent) {}
    package func report(_ event: ProcessEvent) {}
}
