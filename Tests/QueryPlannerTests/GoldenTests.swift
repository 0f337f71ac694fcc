// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

/// Request → SQL, as the files in `Goldens` have it.
struct GoldenTests {
    private func check(_ golden: Golden) throws {
        let settings = PlannerSettings(aggregatesEnabled: true)
        let sql = try SampleRequest(golden.request).sql(in: Sample.plain, settings)
        #expect(sql.text == golden.text)
        #expect(sql.parameters == golden.values)
    }

    @Test(arguments: Golden.read("reads"))
    func `a read becomes its statement`(golden: Golden) throws { try check(golden) }

    @Test(arguments: Golden.read("writes"))
    func `a write becomes its statement`(golden: Golden) throws { try check(golden) }

    @Test(arguments: Golden.read("calls"))
    func `a call becomes its statement`(golden: Golden) throws { try check(golden) }

    @Test(arguments: [("reads", 28), ("writes", 16), ("calls", 10)])
    func `no golden file has been lost`(name: String, count: Int) {
        #expect(Golden.read(name).count >= count)
    }
}
