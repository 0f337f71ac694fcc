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
    /// Nanoseconds for which it may fail before its probe does, once it has passed.
    package var tolerance: UInt64
    package var look: @Sendable () async -> HealthFinding

    package init(
        _ name: String,
        component: String = "component",
        probe: HealthProbe = .ready,
        period: Duration = .seconds(5),
        timeout: Duration = .seconds(2),
        tolerance: UInt64 = 0,
        look: @escaping @Sendable () async -> HealthFinding
    ) {
        self.name = name
        self.component = component
        self.probe = probe
        self.period = period
        self.timeout = timeout
        self.tolerance = tolerance
        self.look = look
    }
}

/// Runs the checks, each on its own timer, until it is cancelled.
package struct HealthChecks: Sendable {
    private let health: HealthMonitor
    private let checks: [HealthCheck]
    private let executor: (any TaskExecutor)?

    /// The looks are taken on the executor.
    package init(
        _ checks: [HealthCheck],
        health: HealthMonitor,
        on executor: (any TaskExecutor)? = nil
    ) {
        self.checks = checks
        self.health = health
        self.executor = executor
        for check in checks {
            health.declare(
                check.name,
                component: check.component,
                probe: check.probe,
                periodNanoseconds: UInt64(check.period / .nanoseconds(1)),
                toleranceNanoseconds: check.tolerance
            )
        }
    }

    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            for check in checks { group.addTask { await repeatedly(check) } }
        }
    }

    private func repeatedly(_ check: HealthCheck) async {
        var pending: Look?
        while !Task.isCancelled {
            let look = pending ?? Look(check, on: executor)
            let found = await look.finding(within: check.timeout)
            guard !Task.isCancelled else { return }
            pending = found == nil ? look : nil
            var finding = found ?? HealthFinding(.fail, "took too long")
            finding.nanoseconds = uptimeNanoseconds() &- look.startedAt
            health.report(check.name, finding)
            try? await Task.sleep(for: check.period)
        }
    }
}

/// A look that has begun. One that does not end is left to itself: what waits for it can go on,
/// and may ask again. It is not begun anew beside one that hangs.
private struct Look: Sendable {
    let startedAt = uptimeNanoseconds()
    private let answers: AsyncStream<HealthFinding?>
    private let answer: AsyncStream<HealthFinding?>.Continuation

    init(_ check: HealthCheck, on executor: (any TaskExecutor)?) {
        (answers, answer) = AsyncStream.makeStream()
        Task(executorPreference: executor) { [answer] in answer.yield(await check.look()) }
    }

    /// Nil when it has not ended by then.
    func finding(within timeout: Duration) async -> HealthFinding? {
        let clock = Task { [answer] in
            try? await Task.sleep(for: timeout)
            if !Task.isCancelled { answer.yield(nil) }
        }
        defer { clock.cancel() }
        for await finding in answers { return finding }
        return nil
    }
}
