// SPDX-License-Identifier: Apache-2.0

/// Client connections, and what was refused before it became a request.
struct ConnectionMetrics: MetricSet {
    let active: [Gauge]
    let idle: [Gauge]
    let held: [Gauge]
    let accepted: [Counter]
    let closed: [[Counter]]
    let parseErrors: [Counter]

    init(_ registry: MetricRegistry) {
        let connections = registry.gauge(
            "lucarne_http_connections",
            "Open client connections.",
            labels: [
                MetricLabel("listener", Listener.self), MetricLabel("state", ["active", "idle"]),
            ],
            layer: "http"
        )
        active = Listener.allCases.map { connections($0.rawValue, "active") }
        idle = Listener.allCases.map { connections($0.rawValue, "idle") }
        let held = registry.gauge(
            "lucarne_http_held_bytes",
            "Bytes held of bodies longer than 64 KiB, of requests and of responses.",
            unit: .bytes,
            labels: [MetricLabel("listener", Listener.self)],
            layer: "http"
        )
        self.held = Listener.allCases.map { held($0.rawValue) }
        let accepted = registry.counter(
            "lucarne_http_connections_accepted_total",
            "Client connections accepted.",
            labels: [MetricLabel("listener", Listener.self)],
            layer: "http"
        )
        self.accepted = Listener.allCases.map { accepted($0.rawValue) }
        let closed = registry.counter(
            "lucarne_http_connections_closed_total",
            "Client connections closed, by reason.",
            labels: [
                MetricLabel("listener", Listener.self),
                MetricLabel("reason", ConnectionEvent.CloseReason.self),
            ],
            layer: "http"
        )
        self.closed = Listener.allCases.map { listener in
            ConnectionEvent.CloseReason.allCases.map { closed(listener.rawValue, $0.rawValue) }
        }
        let parseErrors = registry.counter(
            "lucarne_http_parse_errors_total",
            "Requests refused before routing.",
            labels: [MetricLabel("reason", ConnectionEvent.ParseErrorReason.self)],
            layer: "http"
        )
        self.parseErrors = ConnectionEvent.ParseErrorReason.allCases.map {
            parseErrors($0.rawValue)
        }
    }
}

/// The visible list of middleware, once it is known.
struct MiddlewareMetrics: MetricSet {
    let duration: HistogramFamily
    let rejections: CounterFamily

    init(_ registry: MetricRegistry) {
        duration = registry.histogram(
            "lucarne_middleware_duration_seconds",
            "Self time per middleware, measured for one request in sixteen.",
            labels: ["middleware"],
            buckets: Buckets.inside,
            layer: "middleware"
        )
        rejections = registry.counter(
            "lucarne_middleware_rejections_total",
            "Requests a middleware answered itself.",
            labels: ["middleware", MetricLabel("reason", MiddlewareRejection.self)],
            layer: "middleware"
        )
    }
}

/// Who was believed.
struct AuthenticationMetrics: MetricSet {
    let requests: [[Counter]]
    let duration: [Histogram]
    private let cacheHits: Counter
    private let cacheMisses: Counter

    init(_ registry: MetricRegistry) {
        typealias Scheme = AuthenticationEvent.Scheme
        typealias Outcome = AuthenticationEvent.Outcome
        let requests = registry.counter(
            "lucarne_auth_requests_total",
            "Authentication decisions.",
            labels: [MetricLabel("scheme", Scheme.self), MetricLabel("result", Outcome.self)],
            layer: "auth"
        )
        self.requests = Scheme.allCases.map { scheme in
            Outcome.allCases.map { requests(scheme.rawValue, $0.rawValue) }
        }
        let duration = registry.histogram(
            "lucarne_auth_duration_seconds",
            "Time to authenticate a request.",
            labels: [MetricLabel("scheme", Scheme.self)],
            buckets: Buckets.inside,
            layer: "auth"
        )
        self.duration = Scheme.allCases.map { duration($0.rawValue) }
        let lookups = registry.counter(
            "lucarne_auth_token_cache_lookups_total",
            "Verified token cache lookups.",
            labels: [MetricLabel("result", ["hit", "miss"])],
            layer: "auth"
        )
        cacheHits = lookups("hit")
        cacheMisses = lookups("miss")
    }

    /// The same look-ups as `lucarne_cache_lookups_total{cache="token"}`, which are counted once.
    func observe(_ registry: MetricRegistry, _ tokens: CacheTelemetry) {
        registry.refresh {
            cacheHits.set(tokens.count(.hit))
            cacheMisses.set(tokens.count(.miss) + tokens.count(.stale))
        }
    }
}
