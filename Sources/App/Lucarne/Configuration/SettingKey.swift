// SPDX-License-Identifier: Apache-2.0

/// Every setting there is. The raw value is the flag; the variable follows from it.
package enum SettingKey: String, CaseIterable, Sendable {
    case environment
    case address
    case operationsAddress = "operations-address"
    case operationsToken = "operations-token"
    case dataDirectory = "data-directory"
    case features
    case loops
    case blockingThreads = "blocking-threads"
    case drainDelay = "drain-delay"
    case drainTimeout = "drain-timeout"

    case telemetry
    case logLevel = "log-level"
    case logFormat = "log-format"
    case logStandardOutput = "log-stdout"
    case logFile = "log-file"
    case logFileBytesMax = "log-file-bytes-max"
    case logFilePeriod = "log-file-period"
    case logFileKeep = "log-file-keep"
    case logFileCompression = "log-file-compression"
    case logLokiURL = "log-loki-url"
    case logLokiTenant = "log-loki-tenant"
    case logQueueMax = "log-queue-max"
    case logWhenFull = "log-when-full"
    case logRingRecords = "log-ring-records"
    case logTail = "log-tail"
    case logKeepOneRequestIn = "log-keep-one-request-in"
    case logDuplicatesMax = "log-duplicates-max"
    case otlpURL = "otlp-url"
    case otlpHeaders = "otlp-headers"
    case otlpSignals = "otlp-signals"
    case otlpMetricsPeriod = "otlp-metrics-period"
    case baggageKeys = "baggage-keys"
    case redactKeys = "redact-keys"
    case slowRequest = "slow-request"
    case slowStatement = "slow-statement"
    case plansPerMinute = "plans-per-minute"
    case keepOneTraceIn = "keep-one-trace-in"
    case traceKeep = "trace-keep"
    case tracesMax = "traces-max"
    case metricSeriesMax = "metric-series-max"

    case availabilityObjective = "slo-availability"
    case latencyObjective = "slo-latency"
    case latencyThreshold = "slo-latency-threshold"

    case databaseURL = "database-url"
    case postgresDirectory = "postgres-directory"
    case migrationsDirectory = "migrations-directory"
    case migrateOnStart = "migrate-on-start"
    case poolMin = "pool-min"
    case poolMax = "pool-max"
    case poolWaitersMax = "pool-waiters-max"
    case poolAcquireTimeout = "pool-acquire-timeout"
    case poolLifetimeMax = "pool-lifetime-max"
    case poolIdleTimeout = "pool-idle-timeout"
    case connectTimeout = "connect-timeout"
    case requestTimeout = "request-timeout"
    case statementTimeout = "statement-timeout"
    case traceStatements = "trace-statements"
    case readinessDatabase = "readiness-database"
    case readinessDatabaseAfter = "readiness-database-after"

    case httpHeaderBytesMax = "http-header-bytes-max"
    case httpHeaderCountMax = "http-header-count-max"
    case httpTargetBytesMax = "http-target-bytes-max"
    case httpBodyBytesMax = "http-body-bytes-max"
    case httpHeldBytesMax = "http-held-bytes-max"
    case httpHeaderTimeout = "http-header-timeout"
    case httpBodyTimeout = "http-body-timeout"
    case httpIdleTimeout = "http-idle-timeout"
    case httpWriteTimeout = "http-write-timeout"
    case httpConnectionsMax = "http-connections-max"
    case httpCompression = "http-compression"

    case jwtSecret = "jwt-secret"
    case jwtSecretIsBase64 = "jwt-secret-is-base64"
    case jwtAudience = "jwt-aud"
    case jwtRoleClaimKey = "jwt-role-claim-key"
    case jwtCacheMaxEntries = "jwt-cache-max-entries"

    case restPath = "rest-path"
    case restSchemas = "rest-db-schemas"
    case restExtraSearchPath = "rest-db-extra-search-path"
    case restAnonymousRole = "rest-db-anon-role"
    case restPreRequest = "rest-db-pre-request"
    case restTransactionEnd = "rest-db-tx-end"
    case restMaxRows = "rest-db-max-rows"
    case restPlanEnabled = "rest-db-plan-enabled"
    case restAggregatesEnabled = "rest-db-aggregates-enabled"
    case restPreparedStatements = "rest-db-prepared-statements"
    case restRootSpec = "rest-db-root-spec"
    case restHoistedSettings = "rest-db-hoisted-tx-settings"
    case restDatabaseConfiguration = "rest-db-config"
    case restPreConfiguration = "rest-db-pre-config"
    case restChannel = "rest-db-channel"
    case restChannelEnabled = "rest-db-channel-enabled"
    case restOpenAPIMode = "rest-openapi-mode"
    case restOpenAPISecurityActive = "rest-openapi-security-active"
    case restOpenAPIServerProxyURI = "rest-openapi-server-proxy-uri"
    case restCORSAllowedOrigins = "rest-server-cors-allowed-origins"
    case restServerTimingEnabled = "rest-server-timing-enabled"
    case restTraceHeader = "rest-server-trace-header"
    case restErrorVerbosity = "rest-client-error-verbosity"
    case restLegacyTargetNames = "rest-url-use-legacy-target-names"
}

extension SettingKey {
    /// `LUCARNE_ADDRESS` for `address`; the database's URL as everyone spells it.
    package var variable: String {
        if self == .databaseURL { return "DATABASE_URL" }
        return "LUCARNE_" + rawValue.uppercased().replacing("-", with: "_")
    }

    /// What PostgREST calls it, if it has such a setting.
    package var postgrestName: String? {
        switch self {
        case .databaseURL: "db-uri"
        case .poolMax: "db-pool"
        case .poolAcquireTimeout: "db-pool-acquisition-timeout"
        case .poolLifetimeMax: "db-pool-max-lifetime"
        case .poolIdleTimeout: "db-pool-max-idletime"
        case .jwtSecret, .jwtSecretIsBase64, .jwtAudience, .jwtRoleClaimKey, .jwtCacheMaxEntries,
            .logLevel:
            rawValue
        case .restPath: nil
        default: rawValue.hasPrefix("rest-") ? String(rawValue.dropFirst(5)) : nil
        }
    }

    package static func named(postgrest name: String) -> SettingKey? {
        allCases.first { $0.postgrestName == name }
    }
}
