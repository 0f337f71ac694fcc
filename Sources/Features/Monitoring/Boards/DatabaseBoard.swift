// SPDX-License-Identifier: Apache-2.0

private let chosen = PromQL.board

extension Board {
    static let database = Board(
        name: "database",
        title: "Database",
        description: "SQL and the connection pool.",
        panels: statements + [.row("Pool")] + pool
    )

    private static let statements: [Panel] = [
        .graph(
            "Statements by summary",
            "Statements per second.",
            .operationsPerSecond,
            .init(chosen.observed(Family.statement, by: "db_query_summary"), "{{db_query_summary}}")
        ),
        .graph(
            "p99 by summary",
            "p99 statement duration.",
            .seconds,
            .init(
                chosen.quantile("0.99", Family.statement, by: "db_query_summary"),
                "{{db_query_summary}}"
            )
        ),
        .graph(
            "Errors by SQLSTATE",
            "Failed statements.",
            .operationsPerSecond,
            .init(
                chosen.observed(
                    Family.statement,
                    by: "db_response_status_code",
                    #"db_response_status_code!="""#
                ),
                "{{db_response_status_code}}"
            )
        ),
        .graph(
            "Rows returned",
            "Rows per statement, on average.",
            .number,
            .init(
                chosen.mean(of: "db_client_response_returned_rows", by: "db_query_summary"),
                "{{db_query_summary}}"
            )
        ),
        .graph(
            "Slow statements",
            "Statements over the slow threshold.",
            .perSecond,
            .init(
                chosen.rate("lucarne_sql_slow_queries_total", by: "db_query_summary"),
                "{{db_query_summary}}"
            )
        ),
        .graph(
            "Plans captured",
            "Plans asked for after a slow statement; /debug/sql shows them.",
            .perSecond,
            .init(chosen.rate("lucarne_sql_plans_captured_total", by: "result"), "{{result}}")
        ),
        .graph(
            "Retries and transactions",
            "Transactions by outcome, reads that another one took along, and what was tried again.",
            .perSecond,
            .init(chosen.rate("lucarne_sql_transactions_total", by: "outcome"), "{{outcome}}"),
            .init(chosen.rate("lucarne_sql_shared_reads_total"), "shared"),
            .init(chosen.rate("lucarne_sql_retries_total", by: "reason"), "retry {{reason}}")
        ),
        .graph(
            "Prepared statement cache",
            "Look-ups by outcome.",
            .perSecond,
            .init(
                chosen.rate("lucarne_sql_prepared_statement_lookups_total", by: "result"),
                "{{result}}"
            )
        ),
        .stat(
            "Schema version",
            "Schema version and pending migrations.",
            .none,
            width: 12,
            .init(chosen.max("lucarne_migrations_version"), "version"),
            .init(chosen.max("lucarne_migrations_pending"), "pending")
        ),
    ]

    private static let pool: [Panel] = [
        .graph(
            "Connections",
            "Pool connections by state against the limit.",
            .number,
            .init(
                chosen.sum("lucarne_db_pool_connections", by: "pool, state"),
                "{{pool}} {{state}}"
            ),
            .init(chosen.sum("lucarne_db_pool_connections_limit", by: "pool"), "{{pool}} limit")
        ),
        .graph(
            "Waiting",
            "Requests waiting for a connection now.",
            .number,
            .init(chosen.sum("lucarne_db_pool_waiters", by: "pool"), "{{pool}}")
        ),
        .graph(
            "Acquires",
            "Acquires by outcome; unlike the number waiting, they survive between scrapes.",
            .perSecond,
            .init(chosen.rate("lucarne_db_pool_acquires_total", by: "pool, result"), "{{result}}")
        ),
        .graph(
            "Wait p99",
            "Time to obtain a connection.",
            .seconds,
            .init(chosen.quantile("0.99", "lucarne_db_pool_wait_seconds", by: "pool"), "{{pool}}")
        ),
        .graph(
            "Use p99 and create p99",
            "Time out of the pool; time to open.",
            .seconds,
            .init(
                chosen.quantile("0.99", "lucarne_db_pool_use_seconds", by: "pool"),
                "use {{pool}}"
            ),
            .init(
                chosen.quantile("0.99", "lucarne_db_pool_create_seconds", by: "pool"),
                "create {{pool}}"
            )
        ),
        .graph(
            "Connections closed",
            "By reason.",
            .perSecond,
            .init(
                chosen.rate("lucarne_db_pool_connections_closed_total", by: "reason"),
                "{{reason}}"
            )
        ),
    ]
}
