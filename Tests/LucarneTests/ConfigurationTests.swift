// SPDX-License-Identifier: Apache-2.0
import EventLoop
import QueryPlanner
import Rest
import Telemetry
import Testing

@testable import Lucarne

/// Loads a configuration from words and texts, and from nothing else.
func load(
    _ arguments: [String] = [],
    environment: [String: String] = [:],
    files: [String: String] = [:]
) throws -> Configuration {
    let surroundings = Configuration.Surroundings(variables: environment) { files[$0] }
    let invocation = try Invocation(parsing: ["serve"] + arguments)
    return try Configuration.load(invocation, from: surroundings, generatingSecrets: false)
}

func failure(_ body: () throws -> Configuration) -> String? {
    do {
        _ = try body()
        return nil
    } catch {
        return "\(error)"
    }
}

let strongSecret = "4f6e8a1c-0b7d-4c55-9d3e-a2b8c7d6e5f4-and-more"
private let longToken = "oH5kD0r2Zc8vTqYw"

@Suite struct ConfigurationTests {
    @Test func `two listeners cannot have one address`() {
        let words = ["--address", ":8080", "--operations-address", ":8080"]
        #expect(failure { try load(words) }?.contains("operations-address") == true)
        #expect(failure { try load(["--address", ":0", "--operations-address", ":0"]) } == nil)
    }

    @Test func `a build knows its commit, or says that it does not`() throws {
        let revision = try load().telemetry.identity.revision
        #expect(revision == Version.revision)
        #expect(revision.wholeMatch(of: /unknown|[0-9a-f]{40,64}(-modified)?/) != nil)
    }

    @Test func `every setting is declared once, with a default that can be read`() throws {
        #expect(
            Setting.all.map(\.key.rawValue).sorted() == SettingKey.allCases.map(\.rawValue).sorted()
        )
        _ = try load()
        _ = try load(["--config", "x"], files: ["x": ""])
    }

    @Test func `flags beat the environment, which beats files, which beat defaults`() throws {
        let environment = ["LUCARNE_POOL_MAX": "2", "LUCARNE_LOOPS": "2", "LUCARNE_POOL_MIN": "1"]
        let files = [
            ".env": "LUCARNE_POOL_MAX=4\nLUCARNE_LOOPS=4\nLUCARNE_REST_DB_MAX_ROWS=4\n"
                + "LUCARNE_REST_DB_SCHEMAS=four",
            ".env.development": "LUCARNE_REST_DB_MAX_ROWS=3\nLUCARNE_LOOPS=3",
        ]
        let configuration = try load(["--pool-max", "3"], environment: environment, files: files)
        #expect(configuration.database.poolMax == 3)
        #expect(configuration.loops == 2)
        #expect(configuration.rest.rowsMax == 3)
        #expect(configuration.rest.schemas == ["four"])
        #expect(configuration.http.headerCountMax == 100)
        #expect(configuration.values[.poolMax]?.source == .flag)
        #expect(configuration.values[.loops]?.source == .variable("LUCARNE_LOOPS"))
        #expect(configuration.values[.restMaxRows]?.source == .file(".env.development", line: 1))
        #expect(configuration.values[.restSchemas]?.source == .file(".env", line: 4))
    }

    @Test(
        arguments: [
            (["--pool-maxx", "1"], [:], "unknown flag --pool-maxx; did you mean --pool-max?"),
            (["extra"], [:], "unexpected argument 'extra'"),
            (["--address"], [:], "--address needs a value"),
            (["--json"], [:], "unknown flag --json"),
            (
                [], ["LUCARNE_POOL_MAXX": "1"],
                "unknown variable LUCARNE_POOL_MAXX (from environment LUCARNE_POOL_MAXX); "
                    + "did you mean LUCARNE_POOL_MAX?"
            ),
            (
                [], ["LUCARNE_POOL_MAX": "many"],
                "pool-max: 'many' is not a number from 1 to 10000 (from environment LUCARNE_POOL_MAX)"
            ),
            (["--pool-max=0"], [:], "pool-max: '0' is not a number from 1 to 10000 (from flag)"),
            (["--telemetry=maybe"], [:], "telemetry: 'maybe' is not on or off (from flag)"),
            (
                ["--otlp-url=https://collector"], [:],
                "otlp-url: 'https://collector' is not http://host[:port][/path]; "
                    + "TLS is left to a collector or proxy beside this process (from flag)"
            ),
            (
                ["--log-when-full=block:1h"], [:],
                "log-when-full: 'block:1h' is not drop-newest, drop-below:<level> or "
                    + "block:<duration of at most 10s> (from flag)"
            ),
            (
                ["--otlp-url=http://c", "--otlp-headers=a:b=1\r\nx"], [:],
                "otlp-headers: its value is not what a header can say (from flag)"
            ),
            (
                ["--request-timeout=1d"], [:],
                "request-timeout: '1d' is not a duration like 500ms, 30s, 5m or 1h, "
                    + "of at most a year (from flag)"
            ),
            (
                ["--drain-timeout=9000000h"], [:],
                "drain-timeout: '9000000h' is not a duration like 500ms, 30s, 5m or 1h, "
                    + "of at most a year (from flag)"
            ),
            (
                ["--connect-timeout=0s"], [:],
                "connect-timeout: '0s' is not a duration above 0 (from flag)"
            ),
            (
                ["--http-body-bytes-max=1KB"], [:],
                "http-body-bytes-max: '1KB' is not a size like 65536, 64KiB or 16MiB (from flag)"
            ),
            (
                ["--environment=prod"], [:],
                "environment: 'prod' is not development, staging, production (from flag)"
            ),
            (
                ["--address=8080"], [:],
                "address: '8080' is not host:port, [ipv6]:port or unix:path (from flag)"
            ),
            (
                ["--features=rest,moon"], [:],
                "features: 'rest,moon' is not a list of features (rest, operations) (from flag)"
            ),
            (
                ["--rest-path=rest/"], [:],
                "rest-path: 'rest/' is not a path like /rest/v1, or / alone (from flag)"
            ),
            (
                ["--rest-db-schemas=pg_catalog"], [:],
                "rest-db-schemas: 'pg_catalog' is not a list of schemas that may be exposed (from flag)"
            ),
            (
                ["--jwt-role-claim-key=role"], [:],
                "jwt-role-claim-key: 'role' is not a path like $.role "
                    + "('cannot read the role path 'role' at character 1') (from flag)"
            ),
            (
                ["--jwt-secret=short"], [:],
                "jwt-secret: The JWT secret must be at least 32 characters long."
            ),
            (
                ["--slo-latency=100"], [:],
                "slo-latency: '100' is not a percentage above 0 and below 100 (from flag)"
            ),
            (
                ["--slo-availability=99.999999999"], [:],
                "slo-availability: '99.999999999' is not a percentage above 0 and below 100 (from flag)"
            ),
            (
                ["--slo-latency-threshold=200ms"], [:],
                "slo-latency-threshold: '200ms' is not one of 1ms, 5ms, 10ms, 25ms, 50ms, 75ms, "
                    + "100ms, 250ms, 500ms, 750ms, 1000ms, 2500ms, 5000ms, 7500ms, 10000ms "
                    + "(from flag)"
            ),
            (["--config", "none"], [:], "--config: no such file: none"),
        ] as [([String], [String: String], String)]
    )
    func `a mistake is named in one line`(
        arguments: [String],
        environment: [String: String],
        message: String
    ) {
        #expect(failure { try load(arguments, environment: environment) } == message)
    }

    @Test(
        arguments: [
            ("production", nil, "production needs LUCARNE_JWT_SECRET"),
            ("staging", nil, "staging needs LUCARNE_JWT_SECRET"),
            (
                "production", "reallyreallyreallyreallyverysafe",
                "it is printed in public documentation"
            ),
            (
                "production", "super-secret-jwt-token-with-at-least-32-characters-long",
                "it is printed in public documentation"
            ),
            ("production", "abababababababababababababababababab", "it repeats a few characters"),
            ("production", strongSecret, nil),
            ("development", "reallyreallyreallyreallyverysafe", nil), ("development", nil, nil),
        ] as [(String, String?, String?)]
    )
    func `what is exposed to the world refuses a secret that everybody knows`(
        environment: String,
        secret: String?,
        message: String?
    ) {
        var variables = ["LUCARNE_ENVIRONMENT": environment]
        variables["LUCARNE_JWT_SECRET"] = secret
        let failure = failure { try load(environment: variables) }
        if let message {
            #expect(failure?.contains(message) == true)
        } else {
            #expect(failure == nil)
        }
    }

    @Test(
        arguments: [
            ("production", "replace-me", false), ("staging", "fifteen-bytes-15", true),
            ("staging", "fifteen-bytes-1", false), ("production", nil, true),
            ("development", "t", true),
        ] as [(String, String?, Bool)]
    )
    func `nor does it take a token for operations that is soon guessed`(
        environment: String,
        token: String?,
        isTaken: Bool
    ) {
        var variables = ["LUCARNE_ENVIRONMENT": environment, "LUCARNE_JWT_SECRET": strongSecret]
        variables["LUCARNE_OPERATIONS_TOKEN"] = token
        let failure = failure { try load(environment: variables) }
        let message =
            "operations-token is too weak for \(environment): it has fewer than 16 bytes; "
            + "make one with: openssl rand -base64 24"
        #expect(failure == (isTaken ? nil : message))
    }

    @Test func `a secret may be written in base64, or in a file`() throws {
        let encoded = try load(
            ["--jwt-secret-is-base64=on"],
            environment: [
                "LUCARNE_JWT_SECRET": "YS1zZWNyZXQtb2YtbW9yZS10aGFuLXRoaXJ0eS10d28tYnl0ZXM."
            ]
        )
        #expect(
            encoded.tokens.secret?.plain == Array("a-secret-of-more-than-thirty-two-bytes".utf8)
        )
        let missing = failure { try load(["--jwt-secret=@/nowhere/at/all"]) }
        #expect(missing == "cannot read /nowhere/at/all: No such file or directory")
    }

    @Test func `log records and traces go where they are told to`() throws {
        let configuration = try load([
            "--log-file", "/tmp/x.log", "--log-loki-url", "http://loki:3100", "--otlp-url",
            "http://collector:4318", "--otlp-headers", "a=1,b=2", "--log-when-full",
            "drop-below:warning", "--log-queue-max", "64", "--log-format", "ecs",
            "--baggage-keys", "tenant,plan",
        ])
        let sinks = configuration.telemetry.log.sinks
        #expect(sinks.count == 4)
        #expect(sinks.map(\.format) == [.ecs, .ecs, .json, .json])
        #expect(
            sinks.allSatisfy {
                $0.queueMax == 64 && $0.whenFull == .dropBelow(.warning, milliseconds: 100)
            }
        )
        #expect(configuration.telemetry.traceEndpoint?.headers.map(\.name) == ["a", "b"])
        #expect(configuration.telemetry.baggageKeys == ["tenant", "plan"])
        let logsOnly = try load(["--otlp-url", "http://c", "--otlp-signals", "logs"])
        #expect(logsOnly.telemetry.traceEndpoint == nil)
        #expect(logsOnly.telemetry.log.sinks.count == 2)
    }

    @Test(
        arguments: [
            ("debug", .debug, [:]),
            ("info,sql=debug, http=warning", .info, [.sql: .debug, .http: .warning]),
            ("sql=trace", .info, [.sql: .trace]),
            ("loud", nil, [:]), ("info,debug", nil, [:]), ("info,sqll=debug", nil, [:]),
            ("info,sql=", nil, [:]), ("info,sql=loud", nil, [:]), ("", .info, [:]),
        ] as [(String, LogLevel?, [LogModule: LogLevel])]
    )
    func `one level is for all, others are for some loggers`(
        text: String,
        level: LogLevel?,
        modules: [LogModule: LogLevel]
    ) throws {
        let log = try? load(["--log-level", text]).telemetry.log
        #expect(log?.level == level)
        #expect(log?.moduleLevels ?? [:] == modules)
    }

    @Test(arguments: [("128", 128), ("64KiB", 65_536), ("2MiB", 2_097_152)])
    func `sizes have units`(text: String, bytes: Int) throws {
        #expect(try load(["--http-body-bytes-max", text]).http.bodyBytesMax == bytes)
    }

    @Test(arguments: [
        ("1500ms", Duration.milliseconds(1500)), ("7", .seconds(7)), ("2m", .seconds(120)),
        ("1h", .seconds(3600)), ("0s", .zero),
    ])
    func `durations have units, and seconds without one`(text: String, time: Duration) throws {
        #expect(try load(["--request-timeout", text]).database.requestTimeout == time)
    }
}

@Suite struct ConfigurationFileTests {
    @Test func `an environment file has comments, quotes, exports, and other programs' lines`()
        throws
    {
        let file = """
            # ours
            export LUCARNE_REST_DB_SCHEMAS="api, other" # both
            LUCARNE_REST_DB_ANON_ROLE='web anon'
            LUCARNE_LOOPS=2 # cores
            SOMETHING_ELSE=ignored

            DATABASE_URL=postgresql://me:secret#1@host/db
            """
        let configuration = try load(files: [".env": file])
        #expect(configuration.rest.schemas == ["api", "other"])
        #expect(configuration.rest.anonymousRole == "web anon")
        #expect(configuration.loops == 2)
        #expect(configuration.database.url == "postgresql://me:secret#1@host/db")
    }

    @Test func `a mistake in a file is named with its line`() {
        let unknown = failure { try load(files: [".env": "\nLUCARNE_ADRESS=x"]) }
        #expect(
            unknown
                == "unknown variable LUCARNE_ADRESS (from .env:2); did you mean LUCARNE_ADDRESS?"
        )
        #expect(failure { try load(files: [".env": "what"]) } == ".env:1: expected NAME=value")
        let setting = failure { try load(["--config", "c"], files: ["c": "db-shemas = \"x\""]) }
        #expect(setting == "c:1: unknown setting 'db-shemas'; did you mean db-schemas?")
    }

    @Test func `the database may change what is not decided yet`() throws {
        let configuration = try load().applying(databaseSettings: [
            ("db_schemas", "one,two"), ("db_uri", "elsewhere"), ("unheard_of", "x"),
            ("app.settings.x", "y"),
        ])
        #expect(configuration.rest.schemas == ["one", "two"])
        #expect(configuration.database.url == nil)
        #expect(configuration.rest.appSettings.map(\.value) == ["y"])
        #expect(configuration.values[.restSchemas]?.source == .database)
    }
}

@Suite struct ConfigurationReportTests {
    @Test func `the report says where each value came from, and no secret`() throws {
        let configuration = try load(
            ["--loops=3"],
            environment: [
                "LUCARNE_JWT_SECRET": strongSecret,
                "DATABASE_URL": "postgresql://me:hush@host:5432/db",
                "LUCARNE_REST_APP_SETTINGS_API_SECRET": "hush",
                "LUCARNE_REST_APP_SETTINGS_SMTP": "hush",
            ]
        )
        let text = configuration.reportText
        #expect(text.contains("= 3  (flag)"))
        #expect(text.contains("= 127.0.0.1:8080  (default)"))
        #expect(
            text.contains(
                "= user=me password=******** dbname=db host=host port=5432  (environment DATABASE_URL)"
            )
        )
        #expect(text.contains("app.settings.api_secret"))
        for report in [text, configuration.reportJSON] {
            #expect(!report.contains("hush"))
            #expect(!report.contains(strongSecret))
        }
        #expect(configuration.reportJSON.contains(#""loops":{"value":"3","source":"flag""#))
    }

    @Test(
        arguments: [
            ([:], nil), (["LUCARNE_ADDRESS": "0.0.0.0:8080"], "0.0.0.0:8080"),
            (["LUCARNE_ADDRESS": ":8080", "LUCARNE_OPERATIONS_TOKEN": longToken], nil),
            (["LUCARNE_ADDRESS": ":8080", "LUCARNE_OPERATIONS_ADDRESS": "[::1]:9464"], nil),
            (["LUCARNE_ADDRESS": ":8080", "LUCARNE_OPERATIONS_ADDRESS": "unix:/run/l"], nil),
            (["LUCARNE_OPERATIONS_ADDRESS": "10.0.0.7:9464"], "10.0.0.7:9464"),
            (["LUCARNE_ADDRESS": ":8080", "LUCARNE_FEATURES": "rest"], nil),
            (["LUCARNE_ADDRESS": ":8080", "LUCARNE_ENVIRONMENT": "development"], nil),
        ] as [([String: String], String?)]
    )
    func `the doctor says where anybody may look inside`(
        variables: [String: String],
        address: String?
    ) throws {
        let production = ["LUCARNE_ENVIRONMENT": "production", "LUCARNE_JWT_SECRET": strongSecret]
        let configuration = try load(environment: production.merging(variables) { $1 })
        #expect(configuration.openOperationsAddress?.description == address)
        let findings = Doctor.operations(configuration)
        #expect(findings.map(\.verdict) == (address == nil ? [] : [.warning]))
        #expect(findings.allSatisfy { $0.message.contains(address ?? "") && $0.mend != nil })
    }
}

@Suite struct CommandLineTests {
    @Test func `a command takes settings and its own options`() throws {
        let words = ["token", "--role", "anon", "--loops=2", "--config=c", "--claims={\"a\":1}"]
        let invocation = try Invocation(parsing: words)
        #expect(invocation.command == .token)
        #expect(invocation.options == ["role": "anon", "claims": "{\"a\":1}"])
        #expect(invocation.flags == [.loops: "2"])
        #expect(invocation.configFile == "c")
    }

    @Test func `help is what there is when nothing is asked, and names every setting`() throws {
        #expect(try Invocation(parsing: []).command == .help)
        #expect(try Invocation(parsing: ["serve", "--help"]).command == .help)
        #expect(try Invocation(parsing: ["--version"]).command == .version)
        for key in SettingKey.allCases { #expect(Help.text.contains("--\(key.rawValue) ")) }
        #expect(Help.text.split(separator: "\n").allSatisfy { $0.count <= 132 })
    }

    @Test func `an unknown command is named`() {
        #expect(throws: ConfigurationFailure("unknown command 'serv'; did you mean serve?")) {
            try Invocation(parsing: ["serv"])
        }
    }

    @Test(arguments: [(500, 1), (1_000, 1), (1_001, 2), (5_000, 5)])
    func `seconds for libpq are whole, and never none`(milliseconds: Int, seconds: Int) {
        #expect(Duration.milliseconds(milliseconds).secondsRoundedUp == seconds)
    }
}
