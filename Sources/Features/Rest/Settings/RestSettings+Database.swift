// SPDX-License-Identifier: Apache-2.0
package import QueryPlanner

extension RestSettings {
    /// A setting in the database that says something it cannot say.
    package struct Malformed: Error, Equatable {
        package let name: String
        package let value: String
    }

    /// The settings a database may have an opinion on.
    static let databaseNames = [
        "client_error_verbosity", "db_aggregates_enabled", "db_anon_role", "db_extra_search_path",
        "db_hoisted_tx_settings", "db_max_rows", "db_plan_enabled", "db_pre_config",
        "db_pre_request", "db_prepared_statements", "db_root_spec", "db_schemas", "db_tx_end",
        "jwt_aud", "jwt_cache_max_entries", "jwt_role_claim_key", "jwt_secret",
        "jwt_secret_is_base64", "openapi_mode", "openapi_security_active",
        "openapi_server_proxy_uri", "server_cors_allowed_origins", "server_timing_enabled",
        "server_trace_header", "url_use_legacy_target_names",
    ].map { "pgrst." + $0 }

    /// These settings with one of them as the database says it; `name` without the prefix.
    package mutating func apply(_ name: String, _ value: String) throws(Malformed) {
        switch name {
        case "db_schemas": schemas = try Self.schemas(value)
        case "db_extra_search_path": extraSearchPath = Self.list(value)
        case "db_hoisted_tx_settings": hoistedSettings = Self.list(value)
        case "server_cors_allowed_origins": corsAllowedOrigins = Self.list(value)
        case "db_anon_role": anonymousRole = Self.text(value)
        case "db_pre_request": preRequest = Self.name(value)
        case "db_root_spec": rootFunction = Self.name(value)
        case "openapi_server_proxy_uri": openAPIServerProxyURI = Self.text(value)
        case "server_trace_header": traceHeader = Self.text(value)
        case "jwt_secret": jwtSecret = Self.text(value)
        case "jwt_aud": jwtAudience = Self.text(value)
        case "jwt_role_claim_key": jwtRoleClaimKey = value
        default: try applyTyped(name, value)
        }
    }

    private mutating func applyTyped(_ name: String, _ value: String) throws(Malformed) {
        let malformed = Malformed(name: name, value: value)
        func flag() throws(Malformed) -> Bool {
            switch value.lowercased() {
            case "true", "t", "yes", "on", "1": return true
            case "false", "f", "no", "off", "0": return false
            default: throw malformed
            }
        }
        func known<Value>(_ found: Value?) throws(Malformed) -> Value {
            guard let found else { throw malformed }
            return found
        }
        switch name {
        case "db_max_rows": rowsMax = value.isEmpty ? nil : try known(Int(value))
        case "db_aggregates_enabled": aggregatesEnabled = try flag()
        case "db_plan_enabled": planEnabled = try flag()
        case "db_prepared_statements": preparedStatements = try flag()
        case "openapi_security_active": openAPISecurityActive = try flag()
        case "server_timing_enabled": serverTimingEnabled = try flag()
        case "url_use_legacy_target_names": legacyTargetNames = try flag()
        case "jwt_secret_is_base64": jwtSecretIsBase64 = try flag()
        case "jwt_cache_max_entries": jwtCacheEntriesMax = try known(Int(value))
        case "openapi_mode": openAPIMode = try known(OpenAPIMode(rawValue: value))
        case "db_tx_end": transactionEnd = try known(TransactionEnd(rawValue: value))
        case "client_error_verbosity":
            guard ["verbose", "minimal"].contains(value) else { throw malformed }
            isErrorVerbose = value == "verbose"
        default: break
        }
    }

    /// What is PostgreSQL's own is not exposed.
    private static func schemas(_ value: String) throws(Malformed) -> [String] {
        let schemas = list(value)
        guard !schemas.isEmpty, !schemas.contains("pg_catalog"),
            !schemas.contains("information_schema")
        else { throw Malformed(name: "db_schemas", value: value) }
        return schemas
    }

    private static func list(_ value: String) -> [String] {
        value.split(separator: ",").map { String($0.trimmingBlanks()) }.filter { !$0.isEmpty }
    }

    private static func text(_ value: String) -> String? {
        value.isEmpty ? nil : value
    }

    /// `schema.name`, or a name for the `search_path` to find.
    package static func name(_ value: String) -> QualifiedName? {
        guard !value.isEmpty else { return nil }
        guard let dot = value.firstIndex(of: ".") else { return QualifiedName("", value) }
        return QualifiedName(String(value[..<dot]), String(value[value.index(after: dot)...]))
    }
}
