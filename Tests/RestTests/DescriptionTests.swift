// SPDX-License-Identifier: Apache-2.0
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
