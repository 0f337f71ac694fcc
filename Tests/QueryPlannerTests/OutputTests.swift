// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import QueryPlanner

struct OutputTests {
    @Test(arguments: [
        ("application/json", "application/json"), ("Text/CSV;q=0.3", "text/csv"),
        ("application/vnd.pgrst.object+json", "application/vnd.pgrst.object+json"),
        (
            "ApplicatIon/vnd.PgRsT.object+json; nulls=stripped",
            "application/vnd.pgrst.object+json;nulls=stripped"
        ),
        ("application/vnd.pgrst.array+json", "application/json"),
        (
            "application/vnd.pgrst.plan ; for=\"text/xml\" ; options=analyze|wal",
            "application/vnd.pgrst.plan+text; for=\"text/xml\"; options=analyze|wal"
        ),
        (
            "application/vnd.pgrst.plan+json",
            "application/vnd.pgrst.plan+json; for=\"application/json\""
        ),
        ("image/png", "image/png"), ("nonsense", "nonsense"),
    ])
    func `a media type is known by what it means`(text: String, name: String) {
        #expect(MediaType(parsing: text).name == name)
    }

    private let png = MediaType(parsing: "image/png")

    private func converters(_ target: QualifiedName?) -> [Catalog.MediaKey: MediaConverter] {
        let converter = MediaConverter(
            function: Sample.name("draw"),
            target: target,
            mediaType: png
        )
        return [Catalog.MediaKey(target, png): converter]
    }

    @Test func `the first acceptable media type is taken`() throws {
        let output = try Sample.plain.output(
            accepting: [png, .csv, .json],
            for: Sample.name("planets"),
            selectsWholeRow: true,
            planEnabled: false
        )
        #expect(output == Output(.csv, .csv))
    }

    @Test func `a converter for a relation takes whole rows only`() throws {
        let planets = Sample.name("planets")
        let catalog = Sample.catalog(mediaConverters: converters(planets))
        let output = try catalog.output(
            accepting: [png],
            for: planets,
            selectsWholeRow: true,
            planEnabled: false
        )
        #expect(output.mediaType == png)
        let error = failure { () throws(PlannerFailure) in
            try catalog.output(
                accepting: [png],
                for: planets,
                selectsWholeRow: false,
                planEnabled: false
            )
        }
        #expect(error?.message == "None of these media types are available: image/png")
    }

    @Test(
        arguments: [
            ("limit=10&offset=5", nil, " LIMIT 15"), ("offset=5", nil, ""),
            ("offset=5", 7, " LIMIT 12"),
            ("limit=\(Int.max)&offset=5", nil, " LIMIT \(Int.max)"),
        ] as [(String, Int?, String)]
    )
    func `rows are counted no further than they are asked for`(
        query: String,
        rowsMax: Int?,
        limit: String
    ) throws {
        let query = try RequestQuery(parsing: query.utf8)
        let plan = try ReadPlan(
            of: Sample.name("planets"),
            query,
            range: try RowRange.topLevel(of: query),
            in: Sample.plain,
            PlannerSettings(rowsMax: rowsMax)
        )
        let counted = "SELECT 1 FROM \"api\".\"planets\""
        let some = plan.rowsCountedSQL(as: .json(nullsStripped: false), inAll: false).text
        #expect(some.hasSuffix("\(counted)\(limit) ) _postgrest_t"))
        let all = plan.rowsCountedSQL(as: .json(nullsStripped: false), inAll: true).text
        #expect(all.hasSuffix("\(counted) ) _postgrest_t"))
    }

    @Test func `an estimate looks one row beyond the most that is shown`() throws {
        let plan = try ReadPlan(
            of: Sample.name("planets"),
            try RequestQuery(parsing: "".utf8),
            range: .all,
            in: Sample.plain,
            PlannerSettings(rowsMax: .max)
        )
        #expect(plan.sql(.json, count: .estimated).text.contains("LIMIT \(Int.max))"))
    }

    @Test func `a plan is shown only where the configuration allows it`() {
        let plan = MediaType.plan(of: .json, format: .text, options: [])
        let error = failure { () throws(PlannerFailure) in
            try Sample.plain.output(
                accepting: [plan],
                for: Sample.name("planets"),
                selectsWholeRow: true,
                planEnabled: false
            )
        }
        #expect(error?.code == "PGRST107")
    }

    @Test(arguments: [
        ("Why-oh-me-ing", "Wyoming"), ("Connect a cat", "Connecticut"),
        ("Transylvania", "Pennsylvania"), ("CanOfSauce", "Kansas"), ("alaska", "Alaska"),
        ("Burger Islands", "Virgin Islands"), ("qqqq", nil),
    ])
    func `the most similar name is found`(text: String, name: String?) {
        let states = FuzzyIndex([
            "Alaska", "Arkansas", "California", "Connecticut", "Kansas", "Maryland",
            "Northern Marianas Islands", "Pennsylvania", "Rhode Island", "Virgin Islands",
            "Wyoming",
        ])
        #expect(states.best(for: text, scoreMin: 0.33)?.name == name)
    }
}
