// SPDX-License-Identifier: Apache-2.0
import Dispatch
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

    @Test func `liveness does not fail because nobody has looked yet, only because nobody does`() {
        let health = Telemetry().health
        health.declare("well", probe: .live, periodNanoseconds: 60_000_000_000)
        health.declare("stuck", probe: .live, periodNanoseconds: 1)
        health.declare("database", periodNanoseconds: 60_000_000_000)
        #expect(health.entries.map(\.finding.status) == [.pass, .fail, .fail])
        #expect(health.entries.map(\.finding.output).first == "not checked yet")
    }

    @Test(
        arguments: [
            (tolerance: 0, failedAt: 5_000, at: 5_000, status: .fail),
            (tolerance: 300, failedAt: 5_000, at: 5_299, status: .warn),
            (tolerance: 300, failedAt: 5_000, at: 5_300, status: .fail),
            (tolerance: .max, failedAt: 5_000, at: 1_000_000, status: .warn),
            // It has never passed.
            (tolerance: .max, failedAt: 0, at: 5_000, status: .fail),
        ] as [(tolerance: UInt64, failedAt: UInt64, at: UInt64, status: HealthFinding.Status)]
    )
    func `a failure is tolerated for a while, where that is allowed`(
        tolerance: UInt64,
        failedAt: UInt64,
        at now: UInt64,
        status: HealthFinding.Status
    ) {
        let entry = HealthMonitor.Entry(
            name: "database",
            component: "datastore",
            probe: .ready,
            periodNanoseconds: 1_000_000,
            toleranceNanoseconds: tolerance,
            finding: HealthFinding(.fail, "connection refused"),
            foundAt: 5_000,
            foundAtWall: 0,
            failedAt: failedAt
        )
        let standing = entry.standing(at: now)
        #expect(entry.status(at: now) == status)
        #expect(standing.finding.status == status)
        #expect(standing.finding.output.hasPrefix("connection refused"))
        #expect(standing.finding.output.contains("readiness") == (status == .warn))
    }

    @Test func `what is tolerated is told, and does not pass for well`() {
        let telemetry = Telemetry()
        let health = telemetry.health
        health.declare("database", toleranceNanoseconds: .max)
        health.report("database", HealthFinding(.pass))
        health.learn(.started)
        health.report("database", HealthFinding(.fail, "connection refused"))
        #expect(health.lifecycle == .ready)
        #expect(health.entries.first?.finding.status == .warn)
        #expect(gauge("database", in: telemetry) == "0")
    }

    @Test func `the gauge turns when nobody looks any more, as readiness does`() {
        let telemetry = Telemetry()
        telemetry.health.declare("stuck", periodNanoseconds: 1)
        telemetry.health.declare("well", periodNanoseconds: 60_000_000_000)
        telemetry.health.learn(.started)
        for name in ["stuck", "well"] { telemetry.health.report(name, HealthFinding(.pass)) }
        #expect(gauge("stuck", in: telemetry) == "0")
        #expect(gauge("well", in: telemetry) == "1")
        #expect(telemetry.health.lifecycle == .degraded)
    }

    @Test func `the gauges say what was decided last`() {
        let registry = MetricRegistry()
        let logs = LogPipeline(LogConfiguration(), identity: ServiceIdentity())
        let health = HealthMonitor(registry.shared(HealthMetrics.self), logs: logs)
        health.declare("database")
        health.learn(.started)
        let wrong = (0..<10_000).count { _ in
            DispatchQueue.concurrentPerform(iterations: 2) { thread in
                health.report("database", HealthFinding(thread == 0 ? .pass : .fail))
            }
            let name = #"lucarne_lifecycle_state{state="\#(health.lifecycle.rawValue)"}"#
            return !render(registry, .text).contains("\(name) 1\n")
        }
        #expect(wrong == 0)
    }

    private func gauge(_ check: String, in telemetry: Telemetry) -> Substring? {
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        return text.split(separator: "\n")
            .first { $0.hasPrefix("lucarne_health_check_status{check=\"\(check)\"") }?
            .split(separator: " ").last
    }
}
