// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// Request → SQL, as the files in `Goldens` have it.
struct GoldenTests {
    private func check(_ golden: Golden) throws {
        let settings = PlannerSettings(aggregatesEnabled: true)
        let request = SampleRequest(golden.request)
        let hasColours = request.preferences.contains("colours")
        let catalog =
            hasColours ? Sample.catalog(representations: Sample.colours) : Sample.plain
        let sql = try request.sql(in: catalog, settings)
        #expect(sql.text == golden.text)
        #expect(sql.parameters == golden.values)
    }

    @Test(arguments: Golden.read("reads"))
    func `a read becomes its statement`(golden: Golden) throws { try check(golden) }

    @Test(arguments: Golden.read("writes"))
    func `a write becomes its statement`(golden: Golden) throws { try check(golden) }

    @Test(arguments: Golden.read("calls"))
    func `a call becomes its statement`(golden: Golden) throws { try check(golden) }

    @Test(arguments: [("reads", 29), ("writes", 17), ("calls", 10), ("errors", 23)])
    func `no golden file has been lost`(name: String, count: Int) {
        #expect(Golden.read(name).count >= count)
    }
}
