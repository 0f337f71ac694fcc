// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// What of a read's SQL depends on the catalog and the configuration.
struct ReadSQLTests {
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
}
