// SPDX-License-Identifier: Apache-2.0

extension Setting {
    /// PostgREST's own settings, under its names.
    static let rest: [Setting] = [
        Setting(.restPath, .text, "/rest/v1", "Where REST is mounted", inPostgREST: "/"),
        Setting(
            .restSchemas,
            .list,
            "public",
            "The schemas that are exposed; the first is default"
        ),
        Setting(
            .restExtraSearchPath,
            .list,
            "public,extensions",
            "Schemas that are on the search path without being exposed",
            inPostgREST: "public"
        ),
        Setting(
            .restAnonymousRole,
            .text,
            "anon",
            "The role of requests without a token; empty: such requests are refused",
            inPostgREST: .some(nil)
        ),
        Setting(.restPreRequest, .text, nil, "A function to call before each request's statement"),
        Setting(
            .restTransactionEnd,
            .choice(["commit", "commit-allow-override", "rollback", "rollback-allow-override"]),
            "commit",
            "How a request's transaction ends"
        ),
        Setting(.restMaxRows, .integer(0...Int.max), nil, "Rows at most in a response"),
        Setting(.restPlanEnabled, .flag, "off", "Clients may ask for the execution plan"),
        Setting(.restAggregatesEnabled, .flag, "off", "Clients may use aggregate functions"),
        Setting(
            .restPreparedStatements,
            .flag,
            "on",
            "Prepare statements; off behind a pooler in transaction mode"
        ),
        Setting(.restRootSpec, .text, nil, "A function that answers at the root, for OpenAPI"),
        Setting(
            .restHoistedSettings,
            .list,
            "statement_timeout,plan_filter.statement_cost_limit,default_transaction_isolation",
            "Settings of functions and roles that are applied to the whole transaction"
        ),
        Setting(
            .restDatabaseConfiguration,
            .flag,
            "on",
            "Read settings from ALTER ROLE ... SET pgrst.<setting>"
        ),
        Setting(.restPreConfiguration, .text, nil, "A function that sets pgrst.<setting>"),
        Setting(.restChannel, .text, "pgrst", "The channel whose NOTIFY reloads the catalog"),
        Setting(.restChannelEnabled, .flag, "on", "Listen to that channel"),
        Setting(
            .restOpenAPIMode,
            .choice(["follow-privileges", "ignore-privileges", "disabled"]),
            "follow-privileges",
            "What the OpenAPI document at the root shows"
        ),
        Setting(.restOpenAPISecurityActive, .flag, "off", "Security definitions in that document"),
        Setting(.restOpenAPIServerProxyURI, .text, nil, "The public base URL for that document"),
        Setting(
            .restCORSAllowedOrigins,
            .list,
            "",
            "Origins that browsers may call from; empty: any"
        ),
        Setting(
            .restServerTimingEnabled,
            .flag,
            "on",
            "Send Server-Timing",
            inPostgREST: "off"
        ),
        Setting(.restTraceHeader, .text, nil, "A request header to send back"),
        Setting(
            .restErrorVerbosity,
            .choice(["verbose", "minimal"]),
            "verbose",
            "Whether errors carry details and hints"
        ),
        Setting(
            .restLegacyTargetNames,
            .flag,
            "on",
            "Filters may name an embedded relation although it has an alias"
        ),
    ]
}
