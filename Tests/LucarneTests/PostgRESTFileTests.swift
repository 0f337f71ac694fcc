// SPDX-License-Identifier: Apache-2.0
import EventLoop
import QueryPlanner
import Rest
import Telemetry
import Testing

@testable import Lucarne

@Suite struct PostgRESTFileTests {
    @Test func `a PostgREST file keeps its meaning`() throws {
        let file = """
            db-uri = "postgresql://who@/db?host=/tmp&port=5432"
            db-schemas = "v1,SPECIAL \\"@/\\\\#~_-"
            db-extra-search-path = ""
            db-max-rows = 1000
            db-aggregates-enabled = true
            db-pool = 7
            db-tx-end = "rollback-allow-override"
            db-pre-request = "test.switch_role"
            jwt-secret = "reallyreallyreallyreallyverysafe"
            jwt-role-claim-key = "$$.role"
            app.settings.app_host = "localhost"
            log-level = "crit" # quiet
            server-host = "127.0.0.1"
            server-port = 3999
            db-pool-automatic-recovery = true
            """
        let configuration = try load(["--config", "c"], files: ["c": file])
        let rest = configuration.rest
        #expect(configuration.database.url == "postgresql://who@/db?host=/tmp&port=5432")
        #expect(configuration.database.poolMax == 7)
        #expect(configuration.address == .tcp(host: "127.0.0.1", port: 3999))
        #expect(configuration.telemetry.log.level == .critical)
        #expect(rest.path == "/")
        #expect(rest.schemas == ["v1", "SPECIAL \"@/\\#~_-"])
        #expect(rest.extraSearchPath.isEmpty)
        #expect(rest.rowsMax == 1000)
        #expect(rest.aggregatesEnabled)
        #expect(rest.anonymousRole == nil)
        #expect(rest.transactionEnd == .rollbackAllowOverride)
        #expect(rest.preRequest?.schema == "test")
        #expect(rest.preRequest?.name == "switch_role")
        #expect(rest.appSettings.first?.name == "app.settings.app_host")
        #expect(!rest.serverTimingEnabled)
        #expect(!configuration.database.migratesOnStart)
        #expect(configuration.tokens.secret != nil)
    }

    @Test func `the environment beats the PostgREST file, and our own names work in it`() throws {
        let configuration = try load(
            environment: ["LUCARNE_CONFIG_FILE": "c", "LUCARNE_REST_DB_SCHEMAS": "a"],
            files: ["c": "db-schemas = \"b\"\nrest-path = \"/api\"\nserver-host = \"!4\""]
        )
        #expect(configuration.rest.schemas == ["a"])
        #expect(configuration.rest.path == "/api")
        #expect(configuration.address == .tcp(host: "0.0.0.0", port: 3000))
    }

    @Test func `PostgREST's variables mean what they mean there, and count for more than its file`()
        throws
    {
        let configuration = try load(
            environment: [
                "PGRST_DB_URI": "postgresql://me@/db", "PGRST_DB_SCHEMA": "old",
                "PGRST_DB_ANON_ROLE": "web", "PGRST_SERVER_PORT": "3999",
                "PGRST_JWT_SECRET": strongSecret, "PGRST_APP_SETTINGS_x": "y",
                "PGRST_NO_SUCH_SETTING": "z",
            ],
            files: ["c": "db-schemas = \"b\"\ndb-max-rows = 3\nserver-host = \"!4\""]
        )
        #expect(configuration.database.url == "postgresql://me@/db")
        #expect(configuration.rest.schemas == ["old"] && configuration.rest.path == "/")
        #expect(configuration.rest.anonymousRole == "web" && configuration.rest.rowsMax == nil)
        #expect(configuration.address == .tcp(host: "127.0.0.1", port: 3999))
        #expect(configuration.rest.appSettings.first?.name == "app.settings.x")
        let both = try load(
            ["--config", "c"],
            environment: ["PGRST_DB_SCHEMAS": "a", "PGRST_SERVER_PORT": "3999"],
            files: [
                "c": "db-schema = \"b\"\ndb-schemas = \"c\"\nmax-rows = 3\nserver-host = \"!4\""
            ]
        )
        #expect(both.rest.schemas == ["a"] && both.rest.rowsMax == 3)
        #expect(both.address == .tcp(host: "0.0.0.0", port: 3999))
    }

    @Test(
        arguments: [
            ("$(HOME)/x", "/root/x"), ("a$$(b)", "a$(b)"), ("$.role", "$.role"),
            ("$(db-anon-role)-$(HOME)", "web-/root"), ("$(open", "$(open"),
            ("$(NONE)", nil),
        ] as [(String, String?)]
    )
    func `a PostgREST file takes values from variables and from above`(
        written: String,
        value: String?
    ) {
        let file = "db-anon-role = \"web\"\nserver-trace-header = \"\(written)\""
        let configuration = try? load(
            ["--config", "c"],
            environment: ["HOME": "/root"],
            files: ["c": file]
        )
        #expect(configuration?.rest.traceHeader == value)
    }

    @Test func `a PostgREST file has groups, lists, imports and statements that do not count`()
        throws
    {
        let files = [
            "etc/c": """
            import "more/db.conf" # from where this file is
            app { settings { name = "x"
                note = "$(name)-$(port)\\u00e9" } }
            #; db-pool = 3
            db-schemas = ["a", "b" ,
              c]
            server = "here" # for what follows
            server-trace-header = "$(server)"
            import "/etc/own"
            """,
            "etc/more/db.conf": "port = 5432.0\r\ndb-uri = \"postgresql:///db?port=$(port)\"\r\n",
            "/etc/own": "rest-path = \"/api\"\njwt-aud = \"two\nlines\"",
        ]
        let configuration = try load(["--config", "etc/c"], files: files)
        let rest = configuration.rest
        #expect(configuration.database.url == "postgresql:///db?port=5432")
        #expect(configuration.database.poolMax == 10 && rest.schemas == ["a", "b", "c"])
        #expect(
            rest.appSettings.map(\.value) == ["x", "x-5432é"]
                && rest.appSettings.last?.name == "app.settings.note"
        )
        #expect(rest.traceHeader == "here" && rest.path == "/api")
        #expect(configuration.tokens.audience == "two\nlines")
    }

    @Test(
        arguments: [
            ("db-pool 3", "c:1: expected name = value"),
            ("\na {\n b = 1", "c:3: expected } after the group 'a'"),
            ("a = 1\n}", "c:2: a } without its {"), ("x = [1, 2", "c:1: expected ] after a list"),
            ("a = \"x\n", "c:1: a text without its closing quote"),
            ("a = \"\\q\"", "c:1: an unknown escape"),
            ("a = \"\\ud800x\"", "c:1: half of a surrogate pair"),
            ("a = \"x\" b", "c:1: expected the end of the line"),
            ("\nimport \"none\"", "c:2: no such file: none"),
            ("import \"c\"", "c:1: imports without an end"),
            (
                "jwt-aud = \"http://%%localhorst.invalid\"",
                "jwt-aud should be a string or a valid URI"
            ),
            ("jwt-aud = \":x\"", "jwt-aud should be a string or a valid URI"),
            (
                "server-port = 3001\nadmin-server-port = 3001",
                "admin-server-port cannot be the same as server-port"
            ),
            ("admin-server-port = 3000", "admin-server-port cannot be the same as server-port"),
        ]
    )
    func `what PostgREST's parser refuses in a file is refused`(file: String, message: String) {
        #expect(failure { try load(["--config", "c"], files: ["c": file]) } == message)
    }

    @Test(
        arguments: [
            "https://example.com:8443/a?b=c#d", "urn:example:animal", "mailto:a@b.c",
            "http://user@[::1]:80/", "plain", "http://a/%20",
        ]
    )
    func `an audience is a word or a URI`(audience: String) throws {
        let configuration = try load(["--config", "c"], files: ["c": "jwt-aud = \"\(audience)\""])
        #expect(configuration.tokens.audience == audience)
    }
}
