// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// What of a read's SQL depends on the catalog and the configuration.
struct ReadSQLTests {
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
