// SPDX-License-Identifier: Apache-2.0

extension Setting {
    static let process: [Setting] = [
        Setting(
            .environment,
            .choice(["development", "staging", "production"]),
            "development",
            "Picks .env.<environment>; staging and production refuse a missing or weak JWT secret"
        ),
        Setting(
            .address,
            .address,
            "127.0.0.1:8080",
            "Where to listen: host:port, [ipv6]:port or unix:path"
        ),
        Setting(
            .operationsAddress,
            .address,
            nil,
            "Where /metrics, /livez, /readyz and /debug are served; unset: on the main address"
        ),
        Setting(
            .operationsToken,
            .text,
            nil,
            "The bearer token (or password) that /metrics and /debug ask for, or @file; at least 16 "
                + "bytes outside development; unset: none",
            isSecret: true
        ),
        Setting(
            .dataDirectory,
            .text,
            "lucarne-data",
            "Where the embedded PostgreSQL and generated secrets live"
        ),
        Setting(
            .features,
            .list,
            "rest,operations",
            "Which parts this process serves; probes always"
        ),
        Setting(
            .loops,
            .integer(0...1024),
            "0",
            "Event loops, at most pool-max; 0: one for each core"
        ),
        Setting(
            .blockingThreads,
            .integer(1...1024),
            "4",
            "Threads for work that blocks (connecting, disk)"
        ),
        Setting(
            .drainDelay,
            .duration,
            "0s",
            "After SIGTERM: how long to keep serving while /readyz already says no"
        ),
        Setting(
            .drainTimeout,
            .duration,
            "25s",
            "After that: how long requests in flight may take to finish"
        ),
    ]

    static let observation: [Setting] = [
        Setting(.telemetry, .flag, "on", "Metrics, traces and request logs; off is for benchmarks"),
        Setting(
            .logLevel,
            .text,
            "info",
            "The least severe log records that are written (trace, debug, info, notice, warning, "
                + "error, critical), and by logger: info,sql=debug,http=warning",
            inPostgREST: "error"
        ),
        Setting(
            .logFormat,
            .choice(["auto", "json", "ecs", "logfmt", "pretty"]),
            "auto",
            "How log records are written; auto: pretty on a terminal, else json"
        ),
        Setting(.logStandardOutput, .flag, "on", "Write log records to standard output"),
        Setting(.slowRequest, .duration, "500ms", "From here on a request counts as slow"),
        Setting(.slowStatement, .duration, "200ms", "From here on a statement counts as slow"),
        Setting(
            .plansPerMinute,
            .integer(0...600),
            "6",
            "Plans of slow statements that PostgreSQL is asked for, at most; 0: none"
        ),
        Setting(
            .keepOneTraceIn,
            .integer(0...1_000_000),
            "100",
            "Of so many ordinary requests one trace is kept, ten a second where none are sent on; 0: none"
        ),
        Setting(
            .traceKeep,
            .flag,
            "on",
            "Keep traces that a caller asks for (tracestate lucarne=keep, the sampled flag)"
        ),
        Setting(
            .tracesMax,
            .integer(1...100_000),
            "1000",
            "Traces held in memory of each kind: ordinary, failed, slow; one takes 1 to 2 KiB"
        ),
        Setting(
            .metricSeriesMax,
            .integer(1000...10_000_000),
            "50000",
            "The most time series this process exposes"
        ),
        Setting(
            .availabilityObjective,
            .percentage,
            "99.9",
            "The percentage of requests that shall be answered without a 5xx"
        ),
        Setting(
            .latencyObjective,
            .percentage,
            "99",
            "The percentage of requests that shall be answered in time"
        ),
        Setting(
            .latencyThreshold,
            .duration,
            "250ms",
            "What in time means: a bound of the request durations' buckets"
        ),
    ]

    static let logging: [Setting] = [
        Setting(.logFile, .text, nil, "A file that log records are appended to"),
        Setting(.logFileBytesMax, .bytes, "64MiB", "Its size at most; then a new one begins"),
        Setting(.logFilePeriod, .duration, "24h", "How long one file is written to; 0s: for ever"),
        Setting(.logFileKeep, .integer(0...10_000), "7", "Older log files that are kept"),
        Setting(.logFileCompression, .flag, "on", "Older log files are compressed (gzip)"),
        Setting(.logLokiURL, .text, nil, "A Loki that log records are pushed to: http://host:3100"),
        Setting(.logLokiTenant, .text, nil, "The tenant there (X-Scope-OrgID)"),
        Setting(
            .logQueueMax,
            .integer(16...10_000_000),
            "8192",
            "Log records that may wait for each of these"
        ),
        Setting(
            .logWhenFull,
            .text,
            "drop-newest",
            "When that is full: drop-newest, drop-below:<level> or block:<duration>"
        ),
        Setting(
            .logRingRecords,
            .integer(0...1_000_000),
            "2048",
            "The latest log records, kept in memory for /debug/logs"
        ),
        Setting(
            .logTail,
            .flag,
            "on",
            "Keep the last log records in the data directory, for when the process is killed"
        ),
        Setting(
            .logKeepOneRequestIn,
            .integer(1...1_000_000),
            "1",
            "Of so many ordinary requests one is logged; failed and slow ones all are"
        ),
        Setting(
            .logDuplicatesMax,
            .integer(0...1_000_000),
            "100",
            "Times a second that the same message is logged (requests apart); 0: always"
        ),
        Setting(
            .otlpURL,
            .text,
            nil,
            "An OpenTelemetry receiver (OTLP/HTTP, JSON): http://host:4318"
        ),
        Setting(
            .otlpHeaders,
            .list,
            nil,
            "Sent there with each request: name=value, separated by commas",
            isSecret: true
        ),
        Setting(.otlpSignals, .list, "traces,logs", "What is sent there: of traces, logs, metrics"),
        Setting(
            .otlpMetricsPeriod,
            .duration,
            "60s",
            "How often the metrics are sent there"
        ),
        Setting(
            .baggageKeys,
            .list,
            nil,
            "Keys of the W3C baggage header that are put into logs and traces"
        ),
        Setting(
            .redactKeys,
            .list,
            nil,
            "Query parameters whose values are not logged, beside token, password and their like"
        ),
    ]

    static let database: [Setting] = [
        Setting(
            .databaseURL,
            .text,
            nil,
            "The PostgreSQL to serve, as a URI or a libpq string, or @file; unset: an embedded one",
            inPostgREST: "postgresql://",
            isSecret: true
        ),
        Setting(
            .postgresDirectory,
            .text,
            nil,
            "Where initdb and postgres are; unset: PATH, then the newest under /usr/lib/postgresql"
        ),
        Setting(.migrationsDirectory, .text, "migrations", "Where your *.sql migrations are"),
        Setting(
            .migrateOnStart,
            .flag,
            "on",
            "Apply pending migrations when serving starts",
            inPostgREST: "off"
        ),
        Setting(.poolMin, .integer(0...10_000), "2", "Connections kept open, all loops together"),
        Setting(
            .poolMax,
            .integer(1...10_000),
            "16",
            "Connections at most, all loops together",
            inPostgREST: "10"
        ),
        Setting(
            .poolWaitersMax,
            .integer(0...1_000_000),
            "1024",
            "Requests that may wait for a connection; more get 503"
        ),
        Setting(.poolAcquireTimeout, .duration, "10s", "How long they may wait; then 504"),
        Setting(.poolLifetimeMax, .duration, "30m", "A connection older than this is replaced"),
        Setting(.poolIdleTimeout, .duration, "5m", "A connection idle for longer is closed"),
        Setting(.connectTimeout, .duration, "5s", "How long connecting to PostgreSQL may take"),
        Setting(.requestTimeout, .duration, "60s", "How long one request may take in all"),
        Setting(
            .statementTimeout,
            .duration,
            "0s",
            "How long a statement may take, unless its role or function says; 0: as the database says"
        ),
        Setting(
            .traceStatements,
            .flag,
            "off",
            "Show a request's trace id in pg_stat_activity, as the application_name"
        ),
        Setting(
            .readinessDatabase,
            .choice(["fail", "degrade"]),
            "fail",
            "Without a database /readyz fails, or only says so (degrade)"
        ),
        Setting(
            .readinessDatabaseAfter,
            .duration,
            "15s",
            "How long the database may be away before /readyz fails"
        ),
    ]

    static let http: [Setting] = [
        Setting(.httpHeaderBytesMax, .bytes, "32KiB", "All header fields of a request"),
        Setting(.httpHeaderCountMax, .integer(1...10_000), "100", "Header fields of a request"),
        Setting(.httpTargetBytesMax, .bytes, "16KiB", "A request's target (path and query)"),
        Setting(.httpBodyBytesMax, .bytes, "16MiB", "A request's body"),
        Setting(.httpHeldBytesMax, .bytes, "256MiB", "Bodies of requests and responses at a time"),
        Setting(.httpHeaderTimeout, .duration, "10s", "From a request's first byte to its headers"),
        Setting(.httpBodyTimeout, .duration, "60s", "From the headers to the end of the body"),
        Setting(.httpIdleTimeout, .duration, "75s", "Between two requests on a connection"),
        Setting(.httpWriteTimeout, .duration, "60s", "A response that its client does not read"),
        Setting(
            .httpConnectionsMax,
            .integer(1...1_000_000),
            "8192",
            "Connections at a time; more are refused"
        ),
        Setting(.httpCompression, .flag, "on", "gzip, for clients that accept it"),
    ]

    static let tokens: [Setting] = [
        Setting(
            .jwtSecret,
            .text,
            nil,
            "What tokens are signed with: at least 32 bytes, a JWK, a JWK set, or @file; "
                + "unset in development: generated once, kept in the data directory",
            isSecret: true
        ),
        Setting(.jwtSecretIsBase64, .flag, "off", "The secret is written in base64"),
        Setting(.jwtAudience, .text, nil, "The audience that tokens must name if they name one"),
        Setting(.jwtRoleClaimKey, .rolePath, "$.role", "Where the role is in a token's claims"),
        Setting(
            .jwtCacheMaxEntries,
            .integer(0...1_000_000),
            "1000",
            "Verified tokens that are remembered; 0: none"
        ),
    ]
}
