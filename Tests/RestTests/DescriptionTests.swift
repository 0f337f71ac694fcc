// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import QueryPlanner
import Testing

@testable import Rest

struct DescriptionTests {
    @Test(
        arguments: [
            ("integer", "42", JSONValue.number("42")), ("boolean", "false", .bool(false)),
            ("date", "'1900-01-01'::date", "1900-01-01"),
            ("uuid", "gen_random_uuid()", "gen_random_uuid()"),
            ("text", "'a''b'::text", "a''b"), ("integer", "nextval('s'::regclass)", nil),
            ("text", "concat('\"', 'x')", nil), ("text[]", "'{}'::text[]", nil),
            ("jsonb", "'{}'::jsonb", nil),
        ] as [(String, String, JSONValue?)]
    )
    func `a default is shown when it is a plain value`(
        type: String,
        expression: String,
        value: JSONValue?
    ) {
        #expect(SwaggerType(type).defaultValue(expression) == value)
    }

    @Test(arguments: [
        ("https://e.com/api", "https", "e.com", 443, "/api"),
        ("http://e.com", "http", "e.com", 80, "/"),
        ("https://e.com:8443/a/b", "https", "e.com", 8443, "/a/b"),
    ])
    func `a proxy says where clients find the API`(
        uri: String,
        scheme: String,
        host: String,
        port: Int,
        path: String
    ) {
        let server = OpenAPIDocument.Server(proxy: uri)
        #expect(server == .init(scheme: scheme, host: host, port: port, path: path))
    }

    @Test(arguments: [
        "ftp://e.com", "e.com", "https://", "https://u@e.com", "https://e.com:0/",
        "https://e.com?x",
    ])
    func `what is no such address is not taken`(uri: String) {
        #expect(OpenAPIDocument.Server(proxy: uri) == nil)
    }

    @Test func `a table is described with its keys and what they refer to`() throws {
        let films = Table(
            name: QualifiedName("api", "films"),
            description: "Films\n\nAll of them",
            primaryKey: ["id"],
            columns: [
                Column(name: "id", isNullable: false, type: "integer"),
                Column(name: "director", description: "Who", type: "bigint"),
            ]
        )
        let catalog = Catalog(
            exposedSchemas: ["api"],
            tables: [films],
            relationships: [
                Relationship(
                    source: films.name,
                    target: QualifiedName("api", "people"),
                    join: .manyToOne(constraint: "c", columns: [ColumnPair("director", "id")])
                )
            ]
        )
        let document = OpenAPIDocument(
            tables: [films],
            routines: [],
            catalog: catalog,
            comment: nil,
            settings: RestSettings()
        )
        let json = try JSONValue(parsing: document.bytes)
        let properties = json["definitions"]?["films"]?["properties"]
        #expect(properties?["id"]?["description"] == "Note:\nThis is a Primary Key.<pk/>")
        #expect(
            properties?["director"]?["description"]
                == "Who\n\nNote:\nThis is a Foreign Key to `people.id`.<fk table='people' column='id'/>"
        )
        #expect(json["definitions"]?["films"]?["required"] == ["id"])
        #expect(json["paths"]?["/films"]?["get"]?["summary"] == "Films")
        #expect(json["paths"]?["/films"]?["get"]?["description"] == "All of them")
    }

    @Test func `of functions of one name the one with the most parameters is described`() throws {
        let routines = [["a", "b"], ["a", "b", "c"], ["a"], []].map { names in
            Routine(
                name: QualifiedName("api", "f"),
                parameters: names.map { RoutineParameter(name: $0, type: "text") },
                shape: .scalar(QualifiedName("pg_catalog", "text"))
            )
        }
        for turn in routines.indices {
            let document = OpenAPIDocument(
                tables: [],
                routines: Array(routines[turn...] + routines[..<turn]),
                catalog: Catalog(exposedSchemas: ["api"]),
                comment: nil,
                settings: RestSettings()
            )
            let json = try JSONValue(parsing: document.bytes)
            let body = json["paths"]?["/rpc/f"]?["post"]?["parameters"]?[0]?["schema"]
            #expect(body?["required"] == ["a", "b", "c"])
        }
    }

    @Test func `OpenAPI 3.1 shows each role what its privileges allow`() async throws {
        let schema = """
            CREATE TABLE api.films (
              id int PRIMARY KEY, title varchar(9) NOT NULL, made date,
              upper text GENERATED ALWAYS AS (upper(title)) STORED);
            CREATE TABLE api.reviews (film int REFERENCES api.films, "a/b" text);
            CREATE TABLE api.hidden (id int);
            CREATE FUNCTION api.twice(n int, times int DEFAULT 2) RETURNS int STABLE LANGUAGE sql
              AS 'SELECT n * times';
            GRANT SELECT ON api.films TO anon;
            GRANT SELECT, INSERT, DELETE ON api.films, api.reviews TO author;
            GRANT UPDATE (title) ON api.films TO author;
            """
        try await RestHarness.run(schema) { harness in
            func document(_ role: String? = nil, _ accept: String = "*/*") async throws -> JSONValue
            {
                let answer = try await harness.send(
                    .get,
                    "/openapi.json",
                    ["Accept": accept],
                    as: role
                )
                #expect(answer.status == 200)
                return try JSONValue(parsing: Array(answer.body.utf8))
            }
            func methods(_ document: JSONValue, _ path: String) -> [String]? {
                document["paths"]?[path]?.members?.map(\.0)
            }
            let stranger = try await document()
            #expect(stranger["openapi"] == "3.1.0")
            #expect(methods(stranger, "/films") == ["get"])
            #expect(methods(stranger, "/reviews") == nil)
            let author = try await document("author")
            #expect(methods(author, "/films") == ["get", "post", "put", "patch", "delete"])
            #expect(methods(author, "/reviews") == ["get", "post", "delete"])
            #expect(methods(author, "/hidden") == nil)
            #expect(methods(author, "/rpc/twice") == ["get", "post"])
            let new = author["components"]?["schemas"]?["films.new"]
            #expect(new?["required"] == ["id", "title"])
            #expect(new?["properties"]?.members?.map(\.0) == ["id", "title", "made"])
            #expect(new?["properties"]?["made"]?["type"] == ["string", "null"])
            let film = author["components"]?["schemas"]?["reviews"]?["properties"]?["film"]
            #expect(film?["x-references"] == ["table": "films", "column": "id"])
        }
    }

    @Test(arguments: [
        (
            "/", "application/openapi+json", 200, "application/openapi+json; charset=utf-8",
            "swagger"
        ),
        (
            "/", "application/vnd.oai.openapi+json;version=3.1", 200,
            "application/vnd.oai.openapi+json;version=3.1", "openapi"
        ),
        (
            "/", "application/vnd.oai.openapi+json", 200,
            "application/vnd.oai.openapi+json;version=3.1", "openapi"
        ),
        (
            "/", "application/vnd.oai.openapi+json;version=3.0", 406,
            "application/json; charset=utf-8", "code"
        ),
        ("/openapi.json", "*/*", 200, "application/json; charset=utf-8", "openapi"),
        ("/openapi.json", "text/csv", 406, "application/json; charset=utf-8", "code"),
    ])
    func `the description has the version that is asked for`(
        path: String,
        accept: String,
        status: Int,
        type: String,
        member: String
    ) async throws {
        try await RestHarness.run("") { harness in
            let answer = try await harness.send(.get, path, ["Accept": accept])
            #expect(answer.status == status)
            #expect(answer.headers["content-type"] == type)
            #expect(try JSONValue(parsing: Array(answer.body.utf8))[member] != nil)
        }
    }

    @Test func `a setting in the database changes what it names`() throws {
        var settings = RestSettings()
        try settings.apply("db_schemas", "a, b")
        try settings.apply("db_max_rows", "10")
        try settings.apply("db_tx_end", "rollback")
        try settings.apply("db_pre_request", "a.check")
        #expect(settings.schemas == ["a", "b"])
        #expect(settings.rowsMax == 10)
        #expect(settings.transactionEnd == .rollback)
        #expect(settings.preRequest == QualifiedName("a", "check"))
        #expect(throws: RestSettings.Malformed.self) { try settings.apply("db_max_rows", "many") }
        #expect(throws: RestSettings.Malformed.self) { try settings.apply("db_plan_enabled", "?") }
        for schemas in ["", "a, pg_catalog", "information_schema"] {
            #expect(throws: RestSettings.Malformed.self) {
                try settings.apply("db_schemas", schemas)
            }
        }
    }

    @Test(
        arguments: [
            ("{}", []), ("{a=eq.1}", ["a=eq.1"]),
            (#"{"a=eq.x,y",b=is.null}"#, ["a=eq.x,y", "b=is.null"]),
            (#"{"a=eq.\"\\"}"#, [#"a=eq."\"#]), (#"{""}"#, [""]),
        ] as [(String, [String])]
    )
    func `an array of PostgreSQL's is read as it was written`(literal: String, texts: [String]) {
        #expect(PostgresArray.texts(literal) == texts)
        #expect(PostgresArray.texts(PostgresArray.literal(texts)) == texts)
    }
}
