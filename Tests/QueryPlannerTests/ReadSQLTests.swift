// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// Request → SQL of the rows, with the values.
struct ReadSQLTests {
    @Test(arguments: [
        ("", #"SELECT "api"."planets".* FROM "api"."planets""#, []),
        ("select=", #"SELECT "api"."planets".* FROM "api"."planets""#, []),
        (
            "select=id,alias:name,facts->a->>b,star_id::text&limit=2&offset=4",
            #"SELECT "api"."planets"."id", "api"."planets"."name" AS "alias", "api"."planets"."facts"->$1->>$2 AS "b", CAST( "api"."planets"."star_id" AS text ) FROM "api"."planets" LIMIT $3 OFFSET $4"#,
            ["a", "b", "2", "4"]
        ),
        (
            "select=tags->0&order=tags->1.desc.nullslast,name",
            #"SELECT to_jsonb("api"."planets"."tags")->$1::int AS "tags" FROM "api"."planets" ORDER BY to_jsonb("api"."planets"."tags")->$2::int DESC NULLS LAST, "api"."planets"."name" "#,
            ["+0", "+1"]
        ),
        (
            "select=id&name=eq.a&id=not.gt.5&name=like(any).{a*,b*}&star_id=in.(1,2,\"a,\\\"b\")",
            #"SELECT "api"."planets"."id" FROM "api"."planets" WHERE "api"."planets"."name" = $1 AND NOT "api"."planets"."id" > $2 AND "api"."planets"."name" like ANY($3) AND "api"."planets"."star_id" = ANY ($4)"#,
            ["a", "5", "{a%,b%}", #"{"1","2","a,\"b"}"#]
        ),
        (
            "select=id&id=is.not_null&id=in.()&name=isdistinct.x&tags=cs.{a}",
            #"SELECT "api"."planets"."id" FROM "api"."planets" WHERE "api"."planets"."id" IS NOT NULL AND "api"."planets"."id" = ANY('{}') AND "api"."planets"."name" IS DISTINCT FROM $1 AND "api"."planets"."tags" @> $2"#,
            ["x", "{a}"]
        ),
        (
            "select=id&search=fts.a&name=wfts(english).b",
            #"SELECT "api"."planets"."id" FROM "api"."planets" WHERE "api"."planets"."search" @@ to_tsquery($1) AND to_tsvector($2, "api"."planets"."name") @@ websearch_to_tsquery($3, $4)"#,
            ["a", "english", "english", "b"]
        ),
        (
            "select=id&or=(id.eq.1,and(name.eq.\"a,b\",not.or(id.lt.3,tags.ov.{x,y})))&not.and=(id.is.null)",
            #"SELECT "api"."planets"."id" FROM "api"."planets" WHERE  ("api"."planets"."id" = $1 OR  ("api"."planets"."name" = $2 AND NOT ("api"."planets"."id" < $3 OR "api"."planets"."tags" && $4))) AND NOT ("api"."planets"."id" IS NULL)"#,
            ["1", "a,b", "3", "{x,y}"]
        ),
    ])
    func `a read of one relation`(query: String, text: String, parameters: [String]) throws {
        let sql = try rows("planets", query)
        #expect(sql.text == text)
        #expect(sql.parameters == parameters)
    }

    @Test(arguments: [
        (
            "planets", "select=id,stars(name)",
            #"SELECT "api"."planets"."id", row_to_json("planets_stars_1".*)::jsonb AS "stars" FROM "api"."planets" LEFT JOIN LATERAL ( SELECT "stars_1"."name" FROM "api"."stars" AS "stars_1" WHERE "stars_1"."id" = "api"."planets"."star_id" ) AS "planets_stars_1" ON TRUE"#
        ),
        (
            "planets", "select=id,m:moons!inner(name)&m.radius=gt.3&m.order=name&m.limit=1",
            #"SELECT "api"."planets"."id", COALESCE( "planets_m_1"."planets_m_1", '[]') AS "m" FROM "api"."planets" INNER JOIN LATERAL ( SELECT json_agg("planets_m_1")::jsonb AS "planets_m_1" FROM (SELECT "moons_1"."name" FROM "api"."moons" AS "moons_1" WHERE "moons_1"."radius" > $1 AND "moons_1"."planet_id" = "api"."planets"."id" ORDER BY "moons_1"."name"  LIMIT $2 OFFSET $3 ) AS "planets_m_1" ) AS "planets_m_1" ON "planets_m_1" IS NOT NULL"#
        ),
        (
            "planets", "select=missions(name)",
            #"SELECT COALESCE( "planets_missions_1"."planets_missions_1", '[]') AS "missions" FROM "api"."planets" LEFT JOIN LATERAL ( SELECT json_agg("planets_missions_1")::jsonb AS "planets_missions_1" FROM (SELECT "api"."missions"."name" FROM "api"."missions", "api"."visits" WHERE "api"."visits"."mission_id" = "api"."missions"."id" AND "api"."visits"."planet_id" = "api"."planets"."id" ) AS "planets_missions_1" ) AS "planets_missions_1" ON TRUE"#
        ),
        (
            "stations", "select=id,children:stations(id),parent_id(id)",
            #"SELECT "api"."stations"."id", COALESCE( "stations_children_1"."stations_children_1", '[]') AS "children", row_to_json("stations_parent_id_1".*)::jsonb AS "parent_id" FROM "api"."stations" LEFT JOIN LATERAL ( SELECT json_agg("stations_children_1")::jsonb AS "stations_children_1" FROM (SELECT "stations_1"."id" FROM "api"."stations" AS "stations_1" WHERE "stations_1"."parent_id" = "api"."stations"."id" ) AS "stations_children_1" ) AS "stations_children_1" ON TRUE LEFT JOIN LATERAL ( SELECT "stations_1"."id" FROM "api"."stations" AS "stations_1" WHERE "stations_1"."id" = "api"."stations"."parent_id" ) AS "stations_parent_id_1" ON TRUE"#
        ),
        (
            "planets", "select=id,largest_moon(name)",
            #"SELECT "api"."planets"."id", row_to_json("planets_largest_moon_1".*)::jsonb AS "largest_moon" FROM "api"."planets" LEFT JOIN LATERAL ( SELECT "moons_1"."name" FROM "api"."largest_moon"("planets"::"api"."planets") AS "moons_1" ) AS "planets_largest_moon_1" ON TRUE"#
        ),
        (
            "planets", "select=id,...stars(star:name)&order=stars(name).desc",
            #"SELECT "api"."planets"."id", "planets_stars_1"."star" FROM "api"."planets" LEFT JOIN LATERAL ( SELECT "stars_1"."name" AS "star" FROM "api"."stars" AS "stars_1" WHERE "stars_1"."id" = "api"."planets"."star_id" ) AS "planets_stars_1" ON TRUE ORDER BY "planets_stars_1"."name" DESC"#
        ),
        (
            "stars", "select=...planets(name)&planets.order=id.desc",
            #"SELECT "stars_planets_1"."name" FROM "api"."stars" LEFT JOIN LATERAL ( SELECT json_agg("stars_planets_1")::jsonb AS "stars_planets_1", COALESCE(json_agg("stars_planets_1"."name" ORDER BY "stars_planets_1"."stars_planets_1_id_1" DESC),'[]')::jsonb AS "name" FROM (SELECT "planets_1"."name", "planets_1"."id" AS "stars_planets_1_id_1" FROM "api"."planets" AS "planets_1" WHERE "planets_1"."star_id" = "api"."stars"."id" ) AS "stars_planets_1" ) AS "stars_planets_1" ON TRUE"#
        ),
        (
            "planets", "select=id,moons()&moons=not.is.null",
            #"SELECT "api"."planets"."id" FROM "api"."planets" LEFT JOIN LATERAL ( SELECT json_agg("planets_moons_1")::jsonb AS "planets_moons_1" FROM (SELECT "moons_1".* FROM "api"."moons" AS "moons_1" WHERE "moons_1"."planet_id" = "api"."planets"."id" ) AS "planets_moons_1" ) AS "planets_moons_1" ON TRUE WHERE "planets_moons_1" IS DISTINCT FROM NULL"#
        ),
    ])
    func `a read with embedded relations`(relation: String, query: String, text: String) throws {
        #expect(try rows(relation, query).text == text)
    }

    @Test(arguments: [
        (
            "moons", "select=planet_id,radius.sum()::int,count()",
            #"SELECT "api"."moons"."planet_id", CAST( SUM("api"."moons"."radius") AS int ), COUNT("api"."moons".*) FROM "api"."moons" GROUP BY "api"."moons"."planet_id""#
        ),
        (
            "planets", "select=star_id,...stars(name.max())",
            #"SELECT "api"."planets"."star_id", MAX("planets_stars_1"."max") AS "max" FROM "api"."planets" LEFT JOIN LATERAL ( SELECT "stars_1"."name" AS "max" FROM "api"."stars" AS "stars_1" WHERE "stars_1"."id" = "api"."planets"."star_id" ) AS "planets_stars_1" ON TRUE GROUP BY "api"."planets"."star_id""#
        ),
    ])
    func `a read with aggregates`(relation: String, query: String, text: String) throws {
        let settings = PlannerSettings(aggregatesEnabled: true)
        #expect(try rows(relation, query, in: Sample.plain, settings).text == text)
    }

    @Test func `a domain shows itself and is compared as its casts say`() throws {
        let catalog = Sample.catalog(representations: Sample.colours)
        let sql = try rows("planets", "select=id,tint&tint=eq.red&tint=in.(a,b)", in: catalog)
        #expect(
            sql.text
                == #"SELECT "api"."planets"."id", api.colour_to_json("api"."planets"."tint") AS "tint" FROM "api"."planets" WHERE "api"."planets"."tint" = api.colour_from_text($1) AND "api"."planets"."tint" = ANY ((SELECT api.colour_from_text(unnest($2::text[]))))"#
        )
    }

    @Test func `a star is spelled out where a column has a representation`() throws {
        let catalog = Sample.catalog(representations: Sample.colours)
        let sql = try rows("planets", "", in: catalog)
        #expect(sql.text.contains(#"api.colour_to_json("api"."planets"."tint") AS "tint" FROM"#))
    }

    @Test func `no read returns more rows than the configuration allows, at any level`() throws {
        let sql = try rows(
            "planets",
            "select=id,moons(id)&moons.limit=2&limit=90",
            in: Sample.plain,
            PlannerSettings(rowsMax: 10)
        )
        #expect(sql.parameters == ["2", "0", "10", "0"])
    }

    @Test func `a whole statement of a plain read`() throws {
        let query = try RequestQuery(parsing: "select=id&id=eq.1".utf8)
        let plan = try ReadPlan(
            of: Sample.name("planets"),
            query,
            range: .all,
            in: Sample.plain,
            PlannerSettings()
        )
        #expect(
            plan.sql(.json).text
                == #"SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), '[]') AS body, nullif(current_setting('response.headers', true), '') AS response_headers, nullif(current_setting('response.status', true), '') AS response_status, '' AS response_inserted FROM ( SELECT "api"."planets"."id" FROM "api"."planets" WHERE "api"."planets"."id" = $1 ) _postgrest_t"#
        )
    }
}
