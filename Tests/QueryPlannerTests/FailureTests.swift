// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// What a client is told about a request that means nothing here.
struct FailureTests {
    struct Expectation: Sendable, CustomTestStringConvertible {
        let request: String
        let code: String
        let message: String
        var details: String?
        var hint: String?
        var testDescription: String { request }
    }

    private static let ambiguousFlights = """
        [{"cardinality":"one-to-many","embedding":"planets with flights",\
        "relationship":"flights_from_id_fkey using planets(id) and flights(from_id)"},\
        {"cardinality":"one-to-many","embedding":"planets with flights",\
        "relationship":"flights_to_id_fkey using planets(id) and flights(to_id)"}]
        """

    static let expectations = [
        Expectation(
            request: "GET /planet",
            code: "PGRST205",
            message: "Could not find the table 'api.planet' in the schema cache",
            hint: "Perhaps you meant the table 'api.planets'"
        ),
        Expectation(
            request: "GET /zzz",
            code: "PGRST205",
            message: "Could not find the table 'api.zzz' in the schema cache"
        ),
        Expectation(
            request: "GET /planets?select=moon(id)",
            code: "PGRST200",
            message: """
                Could not find a relationship between 'planets' and 'moon' in the schema cache
                """,
            details: """
                Searched for a foreign key relationship between 'planets' and 'moon' in the schema \
                'api', but no matches were found.
                """,
            hint: "Perhaps you meant 'moons' instead of 'moon'."
        ),
        Expectation(
            request: "GET /planets?select=moons!nope(id)",
            code: "PGRST200",
            message: """
                Could not find a relationship between 'planets' and 'moons' in the schema cache
                """,
            details: """
                Searched for a foreign key relationship between 'planets' and 'moons' using the \
                hint 'nope' in the schema 'api', but no matches were found.
                """
        ),
        Expectation(
            request: "GET /planets?select=flights(id)",
            code: "PGRST201",
            message: """
                Could not embed because more than one relationship was found for 'planets' and \
                'flights'
                """,
            details: ambiguousFlights,
            hint: """
                Try changing 'flights' to one of the following: 'flights!flights_from_id_fkey', \
                'flights!flights_to_id_fkey'. Find the desired relationship in the 'details' key.
                """
        ),
        Expectation(
            request: "GET /planets?select=id&moons.id=eq.1",
            code: "PGRST108",
            message: "'moons' is not an embedded resource in this request",
            hint: "Verify that 'moons' is included in the 'select' query parameter."
        ),
        Expectation(
            request: "GET /planets?select=id,moons(id)&order=moons(id)",
            code: "PGRST118",
            message: "A related order on 'moons' is not possible",
            details: "'planets' and 'moons' do not form a many-to-one or one-to-one relationship"
        ),
        Expectation(
            request: "GET /stars?select=...planets(id.sum())",
            code: "PGRST127",
            message: "Feature not implemented",
            details: "Aggregates are not implemented for one-to-many or many-to-many spreads."
        ),
        Expectation(
            request: "GET /planets?limit=-1",
            code: "PGRST103",
            message: "Requested range not satisfiable",
            details: "Limit should be greater than or equal to zero."
        ),
        Expectation(
            request: "POST /planets | | {\"nope\":1}",
            code: "PGRST204",
            message: "Could not find the 'nope' column of 'planets' in the schema cache"
        ),
        Expectation(
            request: "PUT /planets?name=eq.1 | | {\"id\":1}",
            code: "PGRST105",
            message: "Filters must include all and only primary key columns with 'eq' operators"
        ),
        Expectation(
            request: "PUT /planets?id=eq.1&limit=1 | | {\"id\":1}",
            code: "PGRST114",
            message: "limit/offset querystring parameters are not allowed for PUT"
        ),
        Expectation(
            request: "GET /rpc/ad?a=1",
            code: "PGRST202",
            message: "Could not find the function api.ad(a) in the schema cache",
            details: """
                Searched for the function api.ad with parameter a, but no matches were found \
                in the schema cache.
                """
        ),
        Expectation(
            request: "GET /rpc/add?a=1",
            code: "PGRST202",
            message: "Could not find the function api.add(a) in the schema cache",
            details: """
                Searched for the function api.add with parameter a, but no matches were found \
                in the schema cache.
                """,
            hint: "Perhaps you meant to call the function api.add(a, b)"
        ),
        Expectation(
            request: "POST /rpc/add | | {}",
            code: "PGRST202",
            message: "Could not find the function api.add without parameters in the schema cache",
            details: """
                Searched for the function api.add without parameters or with a single unnamed \
                json/jsonb parameter, but no matches were found in the schema cache.
                """
        ),
        Expectation(
            request: "GET /rpc/twice?a=1",
            code: "PGRST203",
            message: """
                Could not choose the best candidate function between: api.twice(a => integer), \
                api.twice(a => text)
                """,
            hint: """
                Try renaming the parameters or the function itself in the database so function \
                overloading can be resolved
                """
        ),
    ]

    @Test(arguments: expectations)
    func `a request that means nothing here says why`(expected: Expectation) {
        let settings = PlannerSettings(aggregatesEnabled: true)
        let error = failure { () throws(PlannerFailure) in
            try SampleRequest(expected.request).sql(in: Sample.plain, settings)
        }
        #expect(error?.code == expected.code)
        #expect(error?.message == expected.message)
        #expect(error?.details == expected.details)
        #expect(error?.hint == expected.hint)
        #expect(error?.detailsAreJSON == (expected.code == "PGRST201"))
    }

    @Test(
        arguments: [
            ("stars", "select=...planets(@208)", nil),
            ("stars", "select=...planets(@209)", "54011"),
            ("stars", "select=id,...planets(@208)", "54011"),
            ("stars", "select=...planets(@104),...planets(@105)", "54011"),
            ("stars", "select=a:planets(...moons(@400)),b:planets(...moons(@400))", nil),
            ("moons", "select=planets(...stars(id,...planets(@208)))", "54011"),
            // What is within measure at each level, at six of them.
            (
                "stars",
                "select="
                    + [String](repeating: "planets(...moons(@400))", count: 5).joined(
                        separator: ","
                    ), nil
            ),
            (
                "stars",
                "select="
                    + [String](repeating: "planets(...moons(@400))", count: 6).joined(
                        separator: ","
                    ), "54001"
            ),
        ] as [(String, String, String?)]
    )
    func `what is more than PostgreSQL selects at once is not written out`(
        name: String,
        query: String,
        code: String?
    ) {
        let stars = query.replacing(/@(\d+)/) {
            Array(repeating: "*", count: Int($0.1) ?? 0).joined(separator: ",")
        }
        let error = failure { () throws(PlannerFailure) in try rows(name, stars) }
        #expect(error?.code == code)
    }

    @Test func `aggregates are refused unless the configuration allows them`() {
        let error = failure { () throws(PlannerFailure) in
            try rows("moons", "select=planets(id.sum())")
        }
        #expect(error?.code == "PGRST123")
    }

    @Test func `a relation with an alias goes by its name only where that is still allowed`() throws
    {
        let query = try RequestQuery(parsing: "select=id,m:moons(id)&moons.id=eq.1".utf8)
        let plan = try ReadPlan(
            of: Sample.name("planets"),
            query,
            range: .all,
            in: Sample.plain,
            PlannerSettings()
        )
        #expect(plan.legacyTargets.map(\.alias) == ["m"])
        let error = failure { () throws(PlannerFailure) in
            try rows(
                "planets",
                "select=id,m:moons(id)&moons.id=eq.1",
                in: Sample.plain,
                PlannerSettings(legacyTargetNames: false)
            )
        }
        #expect(error?.details == "Target names are not allowed in filters if they have an alias")
        #expect(error?.hint == "Change 'moons' to 'm' in filters, orders or limits.")
    }
}
