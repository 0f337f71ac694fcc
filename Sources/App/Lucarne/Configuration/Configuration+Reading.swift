// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Cryptography
internal import EventLoop
internal import PostgresClient
internal import QueryPlanner
internal import Rest
internal import Telemetry

extension Configuration {
    /// Turns texts into values. The first that cannot be read is the error.
    package init(reading values: SettingValues) throws(ConfigurationFailure) {
        self.values = values
        environment = try values.choice(.environment)
        address = try values.address(.address) ?? address
        operationsAddress = try addressApart()
        operationsToken = try guardingToken()
        dataDirectory = Files.absolute(values.text(.dataDirectory) ?? dataDirectory)
        features = try Self.features(in: values)
        loops = try values.integer(.loops) ?? loops
        blockingThreads = try values.integer(.blockingThreads) ?? blockingThreads
        drainDelay = try values.duration(.drainDelay)
        drainTimeout = try values.duration(.drainTimeout)
        try readTelemetry()
        try readDatabase()
        try readHTTP()
        try readTokens()
        try readRest()
    }

    private static func features(
        in values: SettingValues
    ) throws(ConfigurationFailure) -> Set<FeatureName> {
        var features: Set<FeatureName> = []
        for name in values.list(.features) {
            guard let feature = FeatureName(rawValue: name) else {
                let known = FeatureName.allCases.map(\.rawValue).joined(separator: ", ")
                throw values.malformed(.features, "a list of features (\(known))")
            }
            features.insert(feature)
        }
        return features
    }

    private mutating func readTelemetry() throws(ConfigurationFailure) {
        telemetry.isOn = try values.flag(.telemetry)
        try readLogLevels()
        try readLogSinks()
        telemetry.identity.environment = environment.rawValue
        telemetry.identity.version = Version.current
        telemetry.identity.revision = Version.revision
        telemetry.slowRequestNanoseconds = try values.duration(.slowRequest).nanoseconds
        telemetry.slowStatementNanoseconds = try values.duration(.slowStatement).nanoseconds
        telemetry.plansPerMinute = try values.integer(.plansPerMinute) ?? 0
        telemetry.keepOneTraceIn = try values.integer(.keepOneTraceIn) ?? 0
        telemetry.tracesMax = try values.integer(.tracesMax) ?? telemetry.tracesMax
        telemetry.callersMayKeep = try values.flag(.traceKeep)
        telemetry.seriesMax = try values.integer(.metricSeriesMax) ?? telemetry.seriesMax
        telemetry.objectives = try Self.objectives(in: values)
    }

    static func objectives(
        in values: SettingValues
    ) throws(ConfigurationFailure) -> [ServiceObjective] {
        let threshold = try values.duration(.latencyThreshold).nanoseconds
        let bounds = ServiceObjective.latencyBounds.filter { $0.isMultiple(of: 1_000_000) }
        guard bounds.contains(threshold) else {
            let known = bounds.map { "\($0 / 1_000_000)ms" }.joined(separator: ", ")
            throw values.malformed(.latencyThreshold, "one of \(known)")
        }
        return [
            ServiceObjective(.availability, target: try values.share(.availabilityObjective)),
            ServiceObjective(
                .latency(nanoseconds: threshold),
                target: try values.share(.latencyObjective)
            ),
        ]
    }

    /// A secret as it is written, or the contents of the file that it names (`@file`).
    private func secret(_ key: SettingKey) throws(ConfigurationFailure) -> String? {
        guard let text = values.text(key) else { return nil }
        guard text.hasPrefix("@") else { return text }
        return try SigningSecret.contents(of: String(text.dropFirst())).trimmed
    }

    private func addressApart() throws(ConfigurationFailure) -> SocketAddress? {
        let apart = try values.address(.operationsAddress)
        // The kernel chooses a port for each.
        if case .tcp(_, 0) = address { return apart }
        guard apart != address else {
            throw values.malformed(.operationsAddress, "another address than --address")
        }
        return apart
    }

    private func guardingToken() throws(ConfigurationFailure) -> String? {
        let token = try secret(.operationsToken)
        guard environment == .development || token?.utf8.count ?? .max >= 16 else {
            throw ConfigurationFailure(
                "operations-token is too weak for \(environment.rawValue): "
                    + "it has fewer than 16 bytes; make one with: openssl rand -base64 24"
            )
        }
        return token
    }

    private mutating func readDatabase() throws(ConfigurationFailure) {
        database.url = try connectionString()
        database.postgresDirectory = values.text(.postgresDirectory)
        database.migrationsDirectory = values.text(.migrationsDirectory) ?? "migrations"
        database.migratesOnStart = try values.flag(.migrateOnStart)
        database.poolMin = try values.integer(.poolMin) ?? database.poolMin
        database.poolMax = try values.integer(.poolMax) ?? database.poolMax
        // PostgREST's files give a maximum alone: ours at the bottom yields to it.
        database.poolMin = min(database.poolMin, database.poolMax)
        guard loops <= database.poolMax else {
            throw ConfigurationFailure(
                "loops: \(loops) are more than pool-max allows (\(database.poolMax)): "
                    + "each has connections of its own"
            )
        }
        database.poolWaitersMax = try values.integer(.poolWaitersMax) ?? database.poolWaitersMax
        database.poolAcquireTimeout = try values.duration(.poolAcquireTimeout)
        database.poolLifetimeMax = try values.duration(.poolLifetimeMax)
        database.poolIdleTimeout = try values.duration(.poolIdleTimeout)
        database.connectTimeout = try values.duration(.connectTimeout)
        // libpq would wait for ever (libpq §34.1.2).
        guard database.connectTimeout > .zero else {
            throw values.malformed(.connectTimeout, "a duration above 0")
        }
        database.requestTimeout = try values.duration(.requestTimeout)
        database.tellsTraces = try values.flag(.traceStatements)
        let tolerance = try values.duration(.readinessDatabaseAfter).nanoseconds
        let endsReadiness = try values.oneOf(.readinessDatabase) == "fail"
        database.outageTolerance = endsReadiness ? tolerance : .max
    }

    /// What libpq does not understand, or not as it was meant, it would quote in its complaint.
    private func connectionString() throws(ConfigurationFailure) -> String? {
        guard let text = try secret(.databaseURL) else { return nil }
        guard ConnectionOption.read(text) != nil, !Self.isTorn(text) else {
            throw values.malformed(
                .databaseURL,
                "a connection string (in a URL's password, write %2F for / and %40 for @)"
            )
        }
        return text
    }

    private mutating func readHTTP() throws(ConfigurationFailure) {
        http.headerBytesMax = try values.bytes(.httpHeaderBytesMax)
        http.headerCountMax = try values.integer(.httpHeaderCountMax) ?? http.headerCountMax
        http.targetBytesMax = try values.bytes(.httpTargetBytesMax)
        http.bodyBytesMax = try values.bytes(.httpBodyBytesMax)
        http.heldBytesMax = try values.bytes(.httpHeldBytesMax)
        http.headerTimeout = try values.duration(.httpHeaderTimeout)
        http.bodyTimeout = try values.duration(.httpBodyTimeout)
        http.idleTimeout = try values.duration(.httpIdleTimeout)
        http.writeTimeout = try values.duration(.httpWriteTimeout)
        http.connectionsMax = try values.integer(.httpConnectionsMax) ?? http.connectionsMax
        http.compresses = try values.flag(.httpCompression)
    }

    private mutating func readTokens() throws(ConfigurationFailure) {
        tokens.audience = try audience()
        tokens.rolePath = try values.rolePath(.jwtRoleClaimKey)
        tokens.cacheEntriesMax = try values.integer(.jwtCacheMaxEntries) ?? 0
        rest.jwtAudience = tokens.audience
        rest.jwtRoleClaimKey = values.text(.jwtRoleClaimKey) ?? rest.jwtRoleClaimKey
        rest.jwtCacheEntriesMax = tokens.cacheEntriesMax
        let isBase64 = try values.flag(.jwtSecretIsBase64)
        guard let text = values.text(.jwtSecret) else {
            guard environment == .development else { throw missingSecret }
            return
        }
        let written = try SigningSecret.text(written: text)
        let secret = try SigningSecret(SigningSecret.bytes(of: written, isBase64: isBase64))
        if environment != .development, let weakness = secret.weakness {
            throw ConfigurationFailure(
                "jwt-secret is too weak for \(environment.rawValue): \(weakness); "
                    + "make one with: openssl rand -base64 48"
            )
        }
        tokens.secret = secret
        // The database may override these (`pgrst.jwt_secret`), so REST gets them as written.
        rest.jwtSecret = written
        rest.jwtSecretIsBase64 = isBase64
    }

    /// RFC 7519 §2, StringOrURI: what has a colon is a URI.
    private func audience() throws(ConfigurationFailure) -> String? {
        guard let text = values.text(.jwtAudience) else { return nil }
        guard !text.contains(":") || text.isURI else {
            throw ConfigurationFailure("jwt-aud should be a string or a valid URI")
        }
        return text
    }

    private var missingSecret: ConfigurationFailure {
        ConfigurationFailure(
            "\(environment.rawValue) needs LUCARNE_JWT_SECRET; "
                + "make one with: openssl rand -base64 48"
        )
    }
}

extension Configuration {
    private mutating func readRest() throws(ConfigurationFailure) {
        rest.path = try mountPath()
        rest.schemas = try schemas()
        rest.extraSearchPath = values.list(.restExtraSearchPath)
        rest.anonymousRole = values.text(.restAnonymousRole)
        rest.rowsMax = try values.integer(.restMaxRows)
        rest.aggregatesEnabled = try values.flag(.restAggregatesEnabled)
        rest.planEnabled = try values.flag(.restPlanEnabled)
        rest.preRequest = name(.restPreRequest)
        rest.rootFunction = name(.restRootSpec)
        rest.preConfig = name(.restPreConfiguration)
        rest.transactionEnd = try values.choice(.restTransactionEnd)
        rest.hoistedSettings = values.list(.restHoistedSettings)
        rest.statementTimeout = try statementTimeout()
        rest.appSettings = values.appSettings.sorted { $0.key < $1.key }
            .map { (name: $0.key, value: $0.value.text) }
        rest.isErrorVerbose = try values.oneOf(.restErrorVerbosity) == "verbose"
        rest.openAPIMode = try values.choice(.restOpenAPIMode)
        rest.openAPISecurityActive = try values.flag(.restOpenAPISecurityActive)
        rest.openAPIServerProxyURI = try proxyURI()
        rest.corsAllowedOrigins = values.list(.restCORSAllowedOrigins)
        rest.serverTimingEnabled = try values.flag(.restServerTimingEnabled)
        rest.traceHeader = values.text(.restTraceHeader)
        rest.legacyTargetNames = try values.flag(.restLegacyTargetNames)
        rest.preparedStatements = try values.flag(.restPreparedStatements)
        rest.channel = values.text(.restChannel) ?? rest.channel
        rest.channelEnabled = try values.flag(.restChannelEnabled)
        rest.databaseConfiguration = try values.flag(.restDatabaseConfiguration)
        if case .tcp(let host, let port) = address {
            rest.serverHost = host
            rest.serverPort = Int(port)
        }
    }

    /// In milliseconds, of which PostgreSQL has room for 24 days (§20.11, `statement_timeout`).
    private func statementTimeout() throws(ConfigurationFailure) -> Int? {
        let milliseconds = try values.duration(.statementTimeout).nanoseconds / 1_000_000
        return milliseconds == 0 ? nil : Int(min(milliseconds, UInt64(Int32.max)))
    }

    private func mountPath() throws(ConfigurationFailure) -> String {
        let path = values.text(.restPath) ?? "/"
        guard path.hasPrefix("/"), path == "/" || !path.hasSuffix("/") else {
            throw values.malformed(.restPath, "a path like /rest/v1, or / alone")
        }
        return path
    }

    private func schemas() throws(ConfigurationFailure) -> [String] {
        let schemas = values.list(.restSchemas)
        let isWrong = schemas.contains { ["", "pg_catalog", "information_schema"].contains($0) }
        guard !schemas.isEmpty, !isWrong else {
            throw values.malformed(.restSchemas, "a list of schemas that may be exposed")
        }
        return schemas
    }

    private func proxyURI() throws(ConfigurationFailure) -> String? {
        guard let text = values.text(.restOpenAPIServerProxyURI) else { return nil }
        guard text.hasPrefix("http://") || text.hasPrefix("https://") else {
            throw values.malformed(
                .restOpenAPIServerProxyURI,
                "a URL like https://example.com:8443/basePath"
            )
        }
        return text
    }

    /// `schema.function`, or a function on the search path.
    private func name(_ key: SettingKey) -> QualifiedName? {
        guard let text = values.text(key) else { return nil }
        guard let dot = text.firstIndex(of: ".") else { return QualifiedName("", text) }
        return QualifiedName(String(text[..<dot]), String(text[text.index(after: dot)...]))
    }

    /// The same configuration with what the database says about itself
    /// (`ALTER ROLE … SET pgrst.db_schemas = …`); names come without their prefix.
    package func applying(
        databaseSettings: [(name: String, value: String)]
    ) throws(ConfigurationFailure) -> Configuration {
        var changed = values
        for (name, value) in databaseSettings {
            if name.hasPrefix("app.settings.") {
                changed.setApp(name, value, from: .database)
                continue
            }
            let written = name.replacing("_", with: "-")
            guard let key = SettingKey.named(postgrest: written), key.isReloadable else { continue }
            changed.set(key, value, from: .database)
        }
        return try Configuration(reading: changed)
    }
}

extension SettingKey {
    /// What is decided before there is a database cannot be decided by it.
    var isReloadable: Bool {
        switch self {
        case .databaseURL, .poolMax, .poolAcquireTimeout, .poolLifetimeMax, .poolIdleTimeout,
            .logLevel, .restDatabaseConfiguration, .restChannel, .restChannelEnabled,
            .restPreConfiguration:
            false
        default: true
        }
    }
}

extension Duration {
    /// For what counts whole seconds, and takes none for no limit at all.
    var secondsRoundedUp: Int {
        Int(components.seconds) + (components.attoseconds > 0 ? 1 : 0)
    }
}

/// What this build calls itself.
package enum Version {
    package static let current = "0.1.0"
    /// The commit; `unknown` when nobody told the build (`BUILD_REVISION`).
    package static let revision = unsafe String(cString: lucarne_revision())
}
