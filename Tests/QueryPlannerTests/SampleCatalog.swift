// SPDX-License-Identifier: Apache-2.0
import QueryPlanner

/// A small world: planets with moons and a star, missions that visit many planets, a tree of
/// stations.
enum Sample {
    static func name(_ name: String) -> QualifiedName { QualifiedName("api", name) }

    static func column(_ name: String, _ type: String, default expression: String? = nil) -> Column
    {
        Column(name: name, type: type, defaultExpression: expression)
    }

    static let tables = [
        Table(
            name: name("stars"),
            primaryKey: ["id"],
            columns: [column("id", "integer"), column("name", "text")]
        ),
        Table(
            name: name("planets"),
            primaryKey: ["id"],
            columns: [
                column("id", "integer", default: "nextval('planets_id_seq')"),
                column("name", "text"), column("star_id", "integer"),
                column("facts", "jsonb"), column("raw", "json"), column("tags", "text[]"),
                column("search", "tsvector"),
                Column(name: "tint", type: "text", nominalType: "api.colour"),
            ]
        ),
        Table(
            name: name("moons"),
            primaryKey: ["id"],
            columns: [
                column("id", "integer"), column("name", "text"), column("planet_id", "integer"),
                column("radius", "numeric", default: "0"),
            ]
        ),
        Table(
            name: name("missions"),
            primaryKey: ["id"],
            columns: [column("id", "integer"), column("name", "text")]
        ),
        Table(
            name: name("visits"),
            primaryKey: ["mission_id", "planet_id"],
            columns: [column("mission_id", "integer"), column("planet_id", "integer")]
        ),
        Table(
            name: name("stations"),
            primaryKey: ["id"],
            columns: [
                column("id", "integer"), column("name", "text"), column("parent_id", "integer"),
            ]
        ),
        Table(
            name: name("flights"),
            primaryKey: ["id"],
            columns: [
                column("id", "integer"), column("from_id", "integer"), column("to_id", "integer"),
            ]
        ),
    ]

    /// Both directions of a foreign key.
    static func key(
        _ constraint: String,
        _ source: String,
        _ column: String,
        _ target: String
    ) -> [Relationship] {
        [
            Relationship(
                source: name(source),
                target: name(target),
                join: .manyToOne(constraint: constraint, columns: [ColumnPair(column, "id")])
            ),
            Relationship(
                source: name(target),
                target: name(source),
                join: .oneToMany(constraint: constraint, columns: [ColumnPair("id", column)])
            ),
        ]
    }

    static func junction(_ near: String, _ far: String) -> Junction {
        Junction(
            table: name("visits"),
            sourceConstraint: "visits_\(near)_id_fkey",
            targetConstraint: "visits_\(far)_id_fkey",
            sourceColumns: [ColumnPair("id", "\(near)_id")],
            targetColumns: [ColumnPair("id", "\(far)_id")]
        )
    }

    static let relationships =
        key("planets_star_id_fkey", "planets", "star_id", "stars")
        + key("moons_planet_id_fkey", "moons", "planet_id", "planets")
        + key("visits_mission_id_fkey", "visits", "mission_id", "missions")
        + key("visits_planet_id_fkey", "visits", "planet_id", "planets")
        + key("stations_parent_id_fkey", "stations", "parent_id", "stations")
        + key("flights_from_id_fkey", "flights", "from_id", "planets")
        + key("flights_to_id_fkey", "flights", "to_id", "planets")
        + [
            Relationship(
                source: name("planets"),
                target: name("missions"),
                join: .manyToMany(junction("planet", "mission"))
            ),
            Relationship(
                source: name("missions"),
                target: name("planets"),
                join: .manyToMany(junction("mission", "planet"))
            ),
        ]

    static let computed = [
        Relationship(
            source: name("planets"),
            target: name("moons"),
            join: .computed(function: name("largest_moon"), isToOne: true)
        )
    ]

    static let integer = QualifiedName("pg_catalog", "int4")

    static let routines = [
        Routine(
            name: name("add"),
            parameters: [
                RoutineParameter(name: "a", type: "integer"),
                RoutineParameter(name: "b", type: "integer"),
            ],
            shape: .scalar(integer),
            volatility: .immutable
        ),
        Routine(
            name: name("near"),
            parameters: [
                RoutineParameter(name: "distance", type: "numeric"),
                RoutineParameter(name: "unit", type: "text", isRequired: false),
            ],
            shape: .composite(name("planets")),
            returnsSet: true,
            volatility: .stable
        ),
        Routine(
            name: name("sum_of"),
            parameters: [RoutineParameter(name: "v", type: "integer[]", isVariadic: true)],
            shape: .scalar(integer)
        ),
        Routine(
            name: name("echo"),
            parameters: [RoutineParameter(name: "", type: "json")],
            shape: .scalar(QualifiedName("pg_catalog", "json"))
        ),
        Routine(
            name: name("twice"),
            parameters: [RoutineParameter(name: "a", type: "integer")],
            shape: .scalar(integer)
        ),
        Routine(
            name: name("twice"),
            parameters: [RoutineParameter(name: "a", type: "text")],
            shape: .scalar(QualifiedName("pg_catalog", "text"))
        ),
        Routine(name: name("reset"), shape: .scalar(QualifiedName("pg_catalog", "void"))),
        Routine(
            name: name("primes"),
            shape: .scalar(integer),
            returnsSet: true
        ),
    ]

    static func catalog(
        representations: [Catalog.Cast: String] = [:],
        mediaConverters: [Catalog.MediaKey: MediaConverter] = [:]
    ) -> Catalog {
        Catalog(
            exposedSchemas: ["api"],
            tables: tables,
            relationships: relationships,
            computedRelationships: computed,
            routines: routines,
            representations: representations,
            mediaConverters: mediaConverters
        )
    }

    static let plain = catalog()

    static let colours: [Catalog.Cast: String] = [
        Catalog.Cast(from: "api.colour", to: "json"): "api.colour_to_json",
        Catalog.Cast(from: "json", to: "api.colour"): "api.colour_from_json",
        Catalog.Cast(from: "text", to: "api.colour"): "api.colour_from_text",
    ]
}

/// The rows that a read selects, as SQL and values: the part of the statement that depends on the
/// request.
func rows(
    _ relation: String,
    _ query: String,
    in catalog: Catalog = Sample.plain,
    _ settings: PlannerSettings = PlannerSettings()
) throws(PlannerFailure) -> SQL {
    let query = try RequestQuery(parsing: query.utf8)
    let plan = try ReadPlan(
        of: Sample.name(relation),
        query,
        range: try RowRange.topLevel(of: query),
        in: catalog,
        settings
    )
    let sql = plan.sql(.json)
    guard let start = sql.text.range("FROM ( "), let end = sql.text.range(" ) _postgrest_t") else {
        return sql
    }
    return SQL(
        text: String(sql.text[start.upperBound..<end.lowerBound]),
        parameters: sql.parameters
    )
}

func failure(_ body: () throws(PlannerFailure) -> some Any) -> PlannerFailure? {
    do {
        _ = try body()
        return nil
    } catch {
        return error
    }
}

extension String {
    /// Where `part` first occurs.
    fileprivate func range(_ part: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) {
                return start..<index(start, offsetBy: part.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
