// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

@testable import Rest

/// `films` refers to `directors`; `roles` joins `films` and `actors`; the view `cast_list` shows
/// `roles` under other names.
struct CatalogLoaderTests {
    private let catalog = CatalogLoader.load(Self.source, exposing: ["api"])

    @Test func `a foreign key is a way there and a way back`() {
        let ways = relationships("films", "directors")
        #expect(
            ways.map(\.join) == [
                .manyToOne(constraint: "films_director", columns: [ColumnPair("director", "id")])
            ]
        )
        let back = relationships("directors", "films")
        #expect(
            back.map(\.join) == [
                .oneToMany(constraint: "films_director", columns: [ColumnPair("id", "director")])
            ]
        )
    }

    @Test func `a unique foreign key is one to one`() {
        let ways = relationships("biographies", "directors")
        #expect(
            ways.map(\.join) == [
                .oneToOne(
                    constraint: "bio",
                    columns: [ColumnPair("id", "id")],
                    sourceIsParent: false
                )
            ]
        )
    }

    @Test func `a table whose key is two foreign keys joins what they refer to`() {
        let junctions = relationships("films", "actors").compactMap { way -> QualifiedName? in
            if case .manyToMany(let junction) = way.join { return junction.table }
            return nil
        }
        #expect(Set(junctions.map(\.name)) == ["roles", "cast_list"])
    }

    @Test func `a view has the keys of the columns it shows`() {
        #expect(catalog.table(QualifiedName("api", "cast_list"))?.primaryKey == ["film", "actor"])
        #expect(
            relationships("cast_list", "films").map(\.join).contains(
                .manyToOne(constraint: "roles_film", columns: [ColumnPair("film", "id")])
            )
        )
    }

    @Test func `a column has its type, its domain's default and its length`() throws {
        let films = try #require(catalog.table(QualifiedName("api", "films")))
        let title = try #require(films.column("title"))
        #expect(title.type == "character varying" && title.nominalType == "character varying(80)")
        #expect(title.charactersMax == 80)
        let director = try #require(films.column("director"))
        #expect(director.type == "integer" && director.nominalType == "api.person")
        #expect(director.defaultExpression == "7" && !director.isNullable)
    }

    private func relationships(_ source: String, _ target: String) -> [Relationship] {
        (catalog.relationships[QualifiedName("api", source)] ?? [])
            .filter { $0.target == QualifiedName("api", target) }
    }

    private static func relation(_ oid: String, _ name: String, _ kind: String) -> [String?] {
        [oid, "api", name, kind, "28", "f", nil]
    }

    private static func column(
        _ relation: String,
        _ number: String,
        _ name: String,
        _ type: String = "23",
        modifier: String = "-1",
        nominal: String? = nil
    ) -> [String?] {
        [relation, number, name, type, modifier, "f", nominal, nil, "f", nil]
    }

    private static func entry(_ number: Int, _ relation: Int, _ column: Int) -> String {
        "{TARGETENTRY :expr {VAR} :resno \(number) :resorigtbl \(relation) :resorigcol \(column)}"
    }

    private static let source = CatalogSource(
        relations: CatalogRows([
            relation("1", "directors", "r"), relation("2", "films", "r"),
            relation("3", "actors", "r"), relation("4", "roles", "r"),
            relation("5", "cast_list", "v"), relation("6", "biographies", "r"),
        ]),
        columns: CatalogRows([
            column("1", "1", "id"),
            column("2", "1", "id"),
            // Number 2 was dropped.
            column("2", "3", "director", "99"),
            column("2", "4", "title", "1043", modifier: "84", nominal: "character varying(80)"),
            column("3", "1", "id"),
            column("4", "1", "film_id"), column("4", "2", "actor_id"),
            column("5", "1", "film"), column("5", "2", "actor"),
            column("6", "1", "id"),
        ]),
        types: CatalogRows([
            ["23", "integer", "integer", "f", nil, "23", nil, "23"],
            ["1043", "character varying", "character varying", "f", nil, "1043", nil, "1043"],
            ["99", "api.person", "integer", "t", "7", "23", "-1", "23"],
        ]),
        enumLabels: CatalogRows([]),
        constraints: CatalogRows([
            ["p", "1", "0", "directors_pkey", "{1}", nil, "f"],
            ["p", "2", "0", "films_pkey", "{1}", nil, "f"],
            ["f", "2", "1", "films_director", "{3}", "{1}", "f"],
            ["p", "3", "0", "actors_pkey", "{1}", nil, "f"],
            ["p", "4", "0", "roles_pkey", "{1,2}", nil, "f"],
            ["f", "4", "3", "roles_actor", "{2}", "{1}", "f"],
            ["f", "4", "2", "roles_film", "{1}", "{1}", "f"],
            ["p", "6", "0", "bio_pkey", "{1}", nil, "f"],
            ["f", "6", "1", "bio", "{1}", "{1}", "f"],
        ]),
        viewRules: CatalogRows([
            ["5", "t", "({QUERY :targetList (\(entry(1, 4, 1)) \(entry(2, 4, 2))) :x <>})"]
        ]),
        routines: CatalogRows([]),
        routineParameters: CatalogRows([]),
        routineSettings: CatalogRows([]),
        computedRelationships: CatalogRows([]),
        representations: CatalogRows([]),
        mediaHandlers: CatalogRows([])
    )
}
