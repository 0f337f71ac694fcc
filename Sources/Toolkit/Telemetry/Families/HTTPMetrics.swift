// SPDX-License-Identifier: Apache-2.0

/// Requests as the server saw them, and the layers they passed.
struct HTTPMetrics: MetricSet {
    let duration: HistogramFamily
    let active: [Gauge]
    let requestBytes: HistogramFamily
    let responseBytes: HistogramFamily
    let firstByte: HistogramFamily
    let problems: CounterFamily
    let aborts: CounterFamily
    let layerSelf: CounterFamily
    let layerDurations: [Histogram]
    let statements: HistogramFamily
    let panics: CounterFamily
    let services: HistogramFamily
    let validations: CounterFamily
    let traceContexts: [Counter]

    private static let methods = MetricLabel(
        "http_request_method",
        RequestMethod.allCases.map(\.label.text)
    )
    private static let scheme = MetricLabel("url_scheme", ["http"])
    private static let layers = MetricLabel("layer", Layer.allCases.map(\.label.text))
    private static let origins = MetricLabel(
        "result",
        TraceContext.Origin.allCases.map(\.label.text)
    )

    init(_ registry: MetricRegistry) {
        duration = registry.histogram(
            "http_server_request_duration_seconds",
            """
            Duration of HTTP server requests, first byte read to last byte written; \
            101 upgrades and event streams are excluded.
            """,
            labels: [
                "http_request_method", "http_route", "http_response_status_code", "error_type",
                Self.scheme,
            ],
            buckets: Buckets.http,
            exemplars: true,
            native: true,
            layer: "http"
        )
        let active = registry.gauge(
            "http_server_active_requests",
            "Number of HTTP server requests in flight.",
            labels: [Self.methods, Self.scheme],
            layer: "http"
        )
        self.active = RequestMethod.allCases.map { active($0.label.text, "http") }
        requestBytes = registry.histogram(
            "http_server_request_body_size_bytes",
            "Size of HTTP request bodies.",
            unit: .bytes,
            labels: ["http_route"],
            buckets: Buckets.bytes,
            layer: "http"
        )
        responseBytes = registry.histogram(
            "http_server_response_body_size_bytes",
            "Size of HTTP response bodies.",
            unit: .bytes,
            labels: ["http_route"],
            buckets: Buckets.bytes,
            layer: "http"
        )
        firstByte = registry.histogram(
            "lucarne_http_time_to_first_byte_seconds",
            "Time from first byte read to first byte written.",
            labels: ["http_route"],
            buckets: Buckets.http,
            layer: "http"
        )
        problems = registry.counter(
            "lucarne_http_problems_total",
            "Requests answered with a problem, by the problem's code.",
            labels: ["code", "http_route"],
            layer: "http"
        )
        aborts = registry.counter(
            "lucarne_http_request_aborts_total",
            "Requests that ended without a complete response.",
            labels: [
                "http_route", MetricLabel("reason", AbortReason.allCases.map(\.label.text)),
            ],
            layer: "http"
        )
        layerSelf = registry.counter(
            "lucarne_request_layer_self_seconds_total",
            """
            Exclusive (self) time spent in each layer; the layers of a request add up to its \
            duration.
            """,
            unit: .seconds,
            labels: [Self.layers, "http_route"],
            layer: "layers"
        )
        let layerDuration = registry.histogram(
            "lucarne_request_layer_duration_seconds",
            "Exclusive (self) time per request spent in each layer.",
            labels: [Self.layers],
            buckets: Buckets.inside,
            layer: "layers"
        )
        layerDurations = Layer.allCases.map { layerDuration($0.label.text) }
        statements = registry.histogram(
            "lucarne_sql_queries_per_request",
            "SQL statements issued per HTTP request (finds N+1).",
            unit: .none,
            labels: ["http_route"],
            buckets: Buckets.statements,
            layer: "sql"
        )
        services = registry.histogram(
            "lucarne_service_operation_duration_seconds",
            "Time a service took for what a request asked of it, the database's part in it.",
            labels: [
                "service", MetricLabel("operation", ServiceOperation.self),
                MetricLabel("outcome", ["ok", "error"]),
            ],
            buckets: Buckets.database,
            layer: "service"
        )
        validations = registry.counter(
            "lucarne_validation_failures_total",
            """
            Requests refused before a statement ran, by the part of them that is malformed or means \
            nothing here.
            """,
            labels: ["http_route", MetricLabel("location", RequestPart.self)],
            layer: "service"
        )
        panics = registry.counter(
            "lucarne_panics_recovered_total",
            "Errors nobody expected, answered with 500.",
            labels: ["http_route"],
            layer: "middleware"
        )
        let origin = registry.counter(
            "lucarne_trace_context_total",
            "Incoming W3C traceparent headers, by outcome.",
            labels: [Self.origins],
            layer: "trace"
        )
        traceContexts = TraceContext.Origin.allCases.map { origin($0.label.text) }
    }
}
