// SPDX-License-Identifier: Apache-2.0
import PostgresClient
import Testing

@testable import Lucarne

@Suite struct PoolShareTests {
    @Test(arguments: [
        (16, 6, [3, 3, 3, 3, 2, 2]), (2, 2, [1, 1]), (10, 1, [10]), (7, 4, [2, 2, 2, 1]),
    ])
    func `the loops' connections are as many as there may be`(
        poolMax: Int,
        loops: Int,
        shares: [Int]
    ) throws {
        let words = ["--pool-max", "\(poolMax)", "--pool-min", "2", "--pool-waiters-max", "1000"]
        let configuration = try load(words + ["--loops", "\(loops)"])
        let settings = (0..<loops).map {
            PoolSettings(configuration.database, loop: $0, of: loops)
        }
        #expect(settings.map(\.connectionsMax) == shares)
        #expect(settings.map(\.connectionsMin).reduce(0, +) == 2)
        #expect(settings.allSatisfy { $0.connectionsMin <= $0.connectionsMax })
        #expect(settings.map(\.waitersMax).reduce(0, +) == 1000)
    }

    @Test func `more loops than connections are refused, but not where the cores decide`() throws {
        #expect(
            failure { try load(["--pool-max", "2", "--loops", "3"]) }
                == "loops: 3 are more than pool-max allows (2): each has connections of its own"
        )
        #expect(try load(["--pool-max", "1"]).loopCount == 1)
        #expect(try load(["--loops", "5"]).loopCount == 5)
    }
}
