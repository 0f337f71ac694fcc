// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

struct LifecycleTests {
    @Test(
        arguments: [
            ([], .starting),
            ([.checked(allPass: true)], .starting),
            ([.started], .ready),
            ([.checked(allPass: false), .started], .degraded),
            ([.started, .checked(allPass: false)], .degraded),
            ([.started, .checked(allPass: false), .checked(allPass: true)], .ready),
            ([.started, .stopRequested], .draining),
            ([.stopRequested, .started], .draining),
            ([.started, .stopRequested, .checked(allPass: true)], .draining),
            ([.stopRequested, .stopped, .started], .stopped),
        ] as [([Lifecycle.Fact], Lifecycle.State)]
    )
    func `facts lead to a state`(_ facts: [Lifecycle.Fact], _ state: Lifecycle.State) {
        var lifecycle = Lifecycle()
        for fact in facts { _ = lifecycle.learn(fact) }
        #expect(lifecycle.state == state)
    }

    @Test func `readiness is lost with a check and comes back with it`() {
        let health = Telemetry().health
        health.declare("database")
        health.learn(.started)
        #expect(health.lifecycle == .degraded, "nobody has looked yet")
        health.report("database", HealthFinding(.pass))
        #expect(health.lifecycle == .ready)
        health.report("database", HealthFinding(.fail, "connection refused"))
        #expect(health.lifecycle == .degraded)
        health.report("database", HealthFinding(.warn, "slow"))
        #expect(health.lifecycle == .ready)
    }

    @Test func `a finding that nobody renews is a failure`() {
        let entry = HealthMonitor.Entry(
            name: "x",
            component: "c",
            probe: .ready,
            periodNanoseconds: 100,
            finding: HealthFinding(.pass),
            foundAt: 1_000,
            foundAtWall: 0
        )
        #expect(entry.status(at: 1_300) == .pass)
        #expect(entry.status(at: 1_301) == .fail)
    }
}
