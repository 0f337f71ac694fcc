// SPDX-License-Identifier: Apache-2.0
package import QueryPlanner

/// How REST behaves. Each setting is PostgREST's of the same name (`db-schemas` is `schemas`).
package struct RestSettings: Sendable {
    /// `db-tx-end`
    package enum TransactionEnd: String, Sendable {
        case commit
        case commitAllowOverride = "commit-allow-override"
        case rollback
        case rollbackAllowOverride = "rollback-allow-override"

        package var isRollback: Bool { self == .rollback || self == .rollbackAllowOverride }
        package var allowsOverride: Bool {
            self == .commitAllowOverride || self == .rollbackAllowOverride
        }
    }

    /// `openapi-mode`
    package enum OpenAPIMode: String, Sendable {
        case followPrivileges = "follow-privileges"
        case ignorePrivileges = "ignore-privileges"
        case disabled
    }

    /// Where the routes are mounted: `/rest/v1`, or `/` as PostgREST does.
    package var path = "/rest/v1"
    package var schemas = ["public"]
    package var extraSearchPath = ["public"]
    /// Who asks when nobody proved who they are. Nil refuses such requests.
    package var anonymousRole: String? = "anon"
    package var rowsMax: Int?
    package var aggregatesEnabled = false
    package var planEnabled = false
    package var preRequest: QualifiedName?
    package var rootFunction: QualifiedName?
    package var transactionEnd = TransactionEnd.commit
    package var hoistedSettings = [
        "statement_timeout", "plan_filter.statement_cost_limit", "default_transaction_isolation",
    ]
    /// How long each statement of a request may take, in milliseconds, where its role and its
    /// function have no time of their own; nil: as the database says. Not PostgREST's.
    package var statementTimeout: Int?
    package var appSettings: [(name: String, value: String)] = []
    package var isErrorVerbose = true
    package var openAPIMode = OpenAPIMode.followPrivileges
    package var openAPISecurityActive = false
    package var openAPIServerProxyURI: String?
    package var corsAllowedOrigins: [String] = []
    package var serverTimingEnabled = false
    package var traceHeader: String?
    package var legacyTargetNames = true
    package var preparedStatements = true
    package var channel = "pgrst"
    package var channelEnabled = true
    /// Whether `ALTER ROLE … SET pgrst.…` of the connecting role is read (`db-config`).
    package var databaseConfiguration = true
    package var preConfig: QualifiedName?
    package var jwtSecret: String?
    package var jwtSecretIsBase64 = false
    package var jwtAudience: String?
    package var jwtRoleClaimKey = "$.role"
    package var jwtCacheEntriesMax = 1_000
    /// Where the server listens, for documents that name it.
    package var serverHost = "127.0.0.1"
    package var serverPort = 8080

    package init() {}
}
