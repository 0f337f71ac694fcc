// SPDX-License-Identifier: Apache-2.0

/// Statements and transactions.
struct SQLMetrics: MetricSet {
    let duration: HistogramFamily
    let rows: HistogramFamily
    let slow: CounterFamily
    let retries: [Counter]
    let shared: Counter
    let transactions: [Counter]
    let lookups: [Counter]
    let migrationsVersion: Gauge
    let migrationsPending: Gauge

    private static let system = MetricLabel("db_system_name", ["postgresql"])

    init(_ registry: MetricRegistry) {
        duration = registry.histogram(
            "db_client_operation_duration_seconds",
            "Duration of database client operations.",
            labels: [
                Self.system, "db_namespace", "db_query_summary", "db_response_status_code",
                "error_type",
            ],
            buckets: Buckets.database,
            exemplars: true,
            native: true,
            layer: "sql"
        )
        rows = registry.histogram(
            "db_client_response_returned_rows",
            "Rows that database operations returned to the client or changed.",
            unit: .none,
            labels: [Self.system, "db_query_summary"],
            buckets: Buckets.rows,
            layer: "sql"
        )
        slow = registry.counter(
            "lucarne_sql_slow_queries_total",
            "Statements over the slow query threshold.",
            labels: ["db_query_summary"],
            layer: "sql"
        )
        let retries = registry.counter(
            "lucarne_sql_retries_total",
            "Statement or transaction retries.",
            labels: [MetricLabel("reason", SQLEvent.RetryReason.self)],
            layer: "sql"
        )
        self.retries = SQLEvent.RetryReason.allCases.map { retries($0.rawValue) }
        let transactions = registry.counter(
            "lucarne_sql_transactions_total",
            "Transactions finished.",
            labels: [MetricLabel("outcome", SQLEvent.TransactionOutcome.self)],
            layer: "sql"
        )
        self.transactions = SQLEvent.TransactionOutcome.allCases.map { transactions($0.rawValue) }
        shared = registry.counter(
            "lucarne_sql_shared_reads_total",
            "Reads that ran in the transaction of another read of the same moment.",
            layer: "sql"
        )()
        let lookups = registry.counter(
            "lucarne_sql_prepared_statement_lookups_total",
            "Prepared statement cache lookups.",
            labels: [MetricLabel("result", SQLEvent.Lookup.self)],
            layer: "sql"
        )
        self.lookups = SQLEvent.Lookup.allCases.map { lookups($0.rawValue) }
        let gauge = { registry.gauge($0, $1, layer: "sql")() }
        migrationsVersion = gauge(
            "lucarne_migrations_version",
            "Schema version the database is at."
        )
        migrationsPending = gauge("lucarne_migrations_pending", "Migrations not yet applied.")
    }
}

/// The connection pool, all loops together.
struct PoolMetrics: MetricSet {
    let idle: Gauge
    let used: Gauge
    let connecting: Gauge
    let limit: Gauge
    let waiters: Gauge
    let wait: Histogram
    let use: Histogram
    let create: Histogram
    let acquires: [Counter]
    let closed: [Counter]

    private static let pool = MetricLabel("pool", ["primary"])

    init(_ registry: MetricRegistry) {
        let connections = registry.gauge(
            "lucarne_db_pool_connections",
            "Pool connections by state.",
            labels: [Self.pool, MetricLabel("state", ["idle", "used", "connecting"])],
            layer: "pool"
        )
        idle = connections("primary", "idle")
        used = connections("primary", "used")
        connecting = connections("primary", "connecting")
        limit =
            registry.gauge(
                "lucarne_db_pool_connections_limit",
                "Maximum pool connections.",
                labels: [Self.pool],
                layer: "pool"
            )("primary")
        waiters =
            registry.gauge(
                "lucarne_db_pool_waiters",
                "Requests waiting for a connection now.",
                labels: [Self.pool],
                layer: "pool"
            )("primary")
        wait = Self.histogram("wait", "Time to obtain a connection.", registry)
        use = Self.histogram("use", "Time a connection was out of the pool.", registry)
        create = Self.histogram("create", "Time to open a connection.", registry)
        let acquires = registry.counter(
            "lucarne_db_pool_acquires_total",
            """
            Connection acquires; waited and timeout survive between scrapes where a waiters \
            gauge does not.
            """,
            labels: [Self.pool, MetricLabel("result", PoolEvent.AcquireResult.self)],
            layer: "pool"
        )
        self.acquires = PoolEvent.AcquireResult.allCases.map { acquires("primary", $0.rawValue) }
        let closed = registry.counter(
            "lucarne_db_pool_connections_closed_total",
            "Connections closed, by reason.",
            labels: [Self.pool, MetricLabel("reason", PoolEvent.CloseReason.self)],
            layer: "pool"
        )
        self.closed = PoolEvent.CloseReason.allCases.map { closed("primary", $0.rawValue) }
    }

    private static func histogram(
        _ what: String,
        _ help: String,
        _ registry: MetricRegistry
    ) -> Histogram {
        registry.histogram(
            "lucarne_db_pool_\(what)_seconds",
            help,
            labels: [pool],
            buckets: Buckets.database,
            layer: "pool"
        )("primary")
    }
}
