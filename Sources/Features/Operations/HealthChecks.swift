// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// A look at something requests depend on, taken again and again.
package struct HealthCheck: Sendable {
    package var name: String
    /// `datastore`, `component` or `system` (draft-inadarei-api-health-check §4.4).
    package var component: String
    package var probe: HealthProbe
    package var period: Duration
    /// A look that takes longer has failed.
    package var timeout: Duration
    package var look: @Sendable () async -> HealthFinding

    package init(
        _ name: String,
        component: String = "component",
        probe: HealthProbe = .ready,
        period: Duration = .seconds(5),
        timeout: Duration = .seconds(2),
        look: @escaping @Sendable () async -> HealthFinding
    ) {
        self.name = name
        self.component = component
        self.probe = probe
        self.period = period
        self.timeout = timeout
        self.look = look
    }
}

/// Runs the checks, each on its own timer, until it is cancelled.
package struct HealthChecks: Sendable {
    private let health: HealthMonitor
    private let checks: [HealthCheck]

    package init(_ checks: [HealthCheck], health: HealthMonitor) {
        self.checks = checks
        self.health = health
        for check in checks {
            health.declare(
                check.name,
                component: check.component,
                probe: check.probe,
                periodNanoseconds: UInt64(check.period / .nanoseconds(1))
            )
        }
    }

    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            for check in checks { group.addTask { await repeatedly(check) } }
            group.addTask { await tick() }
        }
    }

    /// Looks at all of them once: before the first probe can ask.
    package func runOnce() async {
        await withTaskGroup(of: Void.self) { group in
            for check in checks { group.addTask { await look(check) } }
        }
    }

    private func repeatedly(_ check: HealthCheck) async {
        while !Task.isCancelled {
            await look(check)
            try? await Task.sleep(for: check.period)
        }
    }

    private func look(_ check: HealthCheck) async {
        let started = uptimeNanoseconds()
        var finding = await withTaskGroup(of: HealthFinding?.self) { group in
            group.addTask { await check.look() }
            group.addTask {
                try? await Task.sleep(for: check.timeout)
                return Task.isCancelled ? nil : HealthFinding(.fail, "took too long")
            }
            // Whichever is first; a cancelled sleep says nothing.
            for await finding in group {
                guard let finding else { continue }
                group.cancelAll()
                return finding
            }
            return HealthFinding(.fail, "cancelled")
        }
        finding.nanoseconds = uptimeNanoseconds() &- started
        guard !Task.isCancelled else { return }
        health.report(check.name, finding)
    }

    /// Somebody has to notice that a check no longer reports.
    private func tick() async {
        while !Task.isCancelled {
            health.tick()
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
