// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// What a check found.
package struct HealthFinding: Equatable, Sendable {
    package enum Status: String, EventLabel { case pass, warn, fail }

    package var status: Status
    /// Why, in words an operator can act on.
    package var output: String
    package var nanoseconds: UInt64

    package init(_ status: Status, _ output: String = "", nanoseconds: UInt64 = 0) {
        self.status = status
        self.output = output
        self.nanoseconds = nanoseconds
    }
}

/// Which probe a check decides.
package enum HealthProbe: String, EventLabel { case live, ready, startup }

/// The latest finding of each check and the state that follows from them.
///
/// Checks report when their timer says so; a probe only reads. A finding that is older than
/// three periods counts as failed: whoever should look is stuck.
package final class HealthMonitor: Sendable {
    package struct Entry: Sendable {
        package var name: String
        package var component: String
        package var probe: HealthProbe
        package var periodNanoseconds: UInt64
        /// For so long a check that has passed before may fail, and is a warning only.
        package var toleranceNanoseconds: UInt64 = 0
        package var finding: HealthFinding
        /// Uptime; 0 before the first finding.
        package var foundAt: UInt64
        package var foundAtWall: UInt64
        /// Since when it finds a failure; 0: it has never found anything else.
        package var failedAt: UInt64 = 0

        package func status(at now: UInt64) -> HealthFinding.Status {
            guard let since = failingSince(at: now) else { return finding.status }
            return since > 0 && now &- since < toleranceNanoseconds ? .warn : .fail
        }

        func failingSince(at now: UInt64) -> UInt64? {
            if finding.status == .fail { return failedAt }
            let staleAt = foundAt &+ 3 &* periodNanoseconds
            return periodNanoseconds > 0 && now > staleAt ? staleAt : nil
        }

        /// With the finding that counts now.
        func standing(at now: UInt64) -> Entry {
            guard let since = failingSince(at: now) else { return self }
            var entry = self
            entry.finding.status = status(at: now)
            if finding.status != .fail { entry.finding.output = "nobody has looked since" }
            guard entry.finding.status == .warn else { return entry }
            let seconds = (now &- since) / 1_000_000_000
            entry.finding.output +=
                toleranceNanoseconds == .max
                ? " (for \(seconds) s; readiness does not depend on it)"
                : " (for \(seconds) s; readiness fails after "
                    + "\(toleranceNanoseconds / 1_000_000_000) s)"
            return entry
        }
    }

    fileprivate struct State {
        var lifecycle = Lifecycle()
        var entries: [Entry] = []
        /// What was last told of each.
        var told: [HealthFinding.Status] = []
    }

    private let metrics: HealthMetrics
    private let logs: LogPipeline
    private let state = Mutex(State())

    init(_ metrics: HealthMetrics, logs: LogPipeline) {
        self.metrics = metrics
        self.logs = logs
        metrics.state(.starting)
    }

    /// Declares a check. It fails until it has found something else; one of liveness, whose failure
    /// ends the process, passes until then, if somebody looks in time.
    package func declare(
        _ name: String,
        component: String = "component",
        probe: HealthProbe = .ready,
        periodNanoseconds: UInt64 = 0,
        toleranceNanoseconds: UInt64 = 0
    ) {
        let isLive = probe == .live
        let finding = HealthFinding(isLive ? .pass : .fail, "not checked yet")
        state.withLock {
            $0.entries.append(
                Entry(
                    name: name,
                    component: component,
                    probe: probe,
                    periodNanoseconds: periodNanoseconds,
                    toleranceNanoseconds: toleranceNanoseconds,
                    finding: finding,
                    foundAt: isLive ? uptimeNanoseconds() : 0,
                    foundAtWall: isLive ? wallNanoseconds() : 0
                )
            )
            $0.told.append(finding.status)
        }
        metrics.status(name, probe, passes: isLive)
    }

    package func report(_ name: String, _ finding: HealthFinding) {
        let now = uptimeNanoseconds()
        let change = state.withLock { state -> Change? in
            guard let position = state.entries.firstIndex(where: { $0.name == name }) else {
                return nil
            }
            state.entries[position].learn(finding, at: now)
            return state.refresh(at: now)
        }
        guard let change else { return }
        metrics.took(name, finding.nanoseconds)
        tell(change)
    }

    /// What a look at all checks has brought to light.
    fileprivate struct Change {
        var checks: [(entry: Entry, passes: Bool, isNews: Bool)]
        var moved: (from: Lifecycle.State, to: Lifecycle.State)?
    }

    package func learn(_ fact: Lifecycle.Fact) {
        let change = state.withLock { state in
            // Nothing moves before the start: this only tells it how the checks stand.
            if fact == .started { _ = state.refresh(at: uptimeNanoseconds()) }
            return state.lifecycle.learn(fact)
        }
        moved(change)
    }

    /// Findings become stale, and tolerance ends, only when somebody looks: the timer does, and
    /// whoever scrapes, should the timer be stuck as well.
    package func tick() { tell(state.withLock { $0.refresh(at: uptimeNanoseconds()) }) }

    package var lifecycle: Lifecycle.State { state.withLock { $0.lifecycle.state } }

    /// As they stand now.
    package var entries: [Entry] {
        let now = uptimeNanoseconds()
        return state.withLock { $0.entries.map { $0.standing(at: now) } }
    }

    private func tell(_ change: Change) {
        for (entry, passes, isNews) in change.checks {
            metrics.status(entry.name, entry.probe, passes: passes)
            if isNews { log(entry) }
        }
        moved(change.moved)
    }

    private func moved(_ change: (from: Lifecycle.State, to: Lifecycle.State)?) {
        guard let change else { return }
        // Another change may have come since: whoever writes last, writes the latest.
        state.withLock { metrics.state($0.lifecycle.state) }
        if change.from == .ready || change.to == .ready {
            metrics.readinessChanged(isReady: change.to == .ready)
        }
        let level: LogLevel = change.to == .degraded ? .warning : .notice
        logs.write(level, .app, "lifecycle", event: "lifecycle.changed") { record in
            record.field("state", change.to.rawValue)
            record.field("state.before", change.from.rawValue)
        }
    }

    private func log(_ entry: Entry) {
        let level: LogLevel = entry.finding.status == .pass ? .notice : .warning
        logs.write(level, .app, "health check", event: "health.changed") { record in
            record.field("check", entry.name)
            record.field("status", entry.finding.status.rawValue)
            if !entry.finding.output.isEmpty { record.field("output", entry.finding.output) }
        }
    }
}

extension HealthMonitor.Entry {
    mutating func learn(_ finding: HealthFinding, at now: UInt64) {
        // One that has never passed keeps its 0.
        if finding.status == .fail, self.finding.status != .fail { failedAt = now }
        self.finding = finding
        foundAt = now
        foundAtWall = wallNanoseconds()
    }
}

extension HealthMonitor.State {
    fileprivate mutating func refresh(at now: UInt64) -> HealthMonitor.Change {
        var change = HealthMonitor.Change(checks: [])
        for (position, entry) in entries.enumerated() {
            let standing = entry.standing(at: now)
            let passes = entry.failingSince(at: now) == nil
            let isNews = standing.finding.status != told[position]
            told[position] = standing.finding.status
            change.checks.append((standing, passes, isNews))
        }
        let allPass = change.checks.allSatisfy {
            $0.entry.probe != .ready || $0.entry.finding.status != .fail
        }
        change.moved = lifecycle.learn(.checked(allPass: allPass))
        return change
    }
}

/// The health families.
struct HealthMetrics: MetricSet {
    private let status: GaugeFamily
    private let duration: HistogramFamily
    private let states: [Gauge]
    private let changes: [Counter]

    init(_ registry: MetricRegistry) {
        status = registry.gauge(
            "lucarne_health_check_status",
            "1 when the check passes.",
            labels: ["check", MetricLabel("probe", HealthProbe.self)],
            layer: "health"
        )
        duration = registry.histogram(
            "lucarne_health_check_duration_seconds",
            "Time a health check took.",
            labels: ["check"],
            buckets: Buckets.database,
            layer: "health"
        )
        let states = registry.gauge(
            "lucarne_lifecycle_state",
            "1 for the current state, 0 for the others.",
            labels: [MetricLabel("state", Lifecycle.State.self)],
            layer: "health"
        )
        self.states = Lifecycle.State.allCases.map { states($0.rawValue) }
        let changes = registry.counter(
            "lucarne_readiness_changes_total",
            "Readiness changes.",
            labels: [MetricLabel("to", ["ready", "not_ready"])],
            layer: "health"
        )
        self.changes = [changes("ready"), changes("not_ready")]
    }

    func status(_ check: String, _ probe: HealthProbe, passes: Bool) {
        status(check, probe.rawValue).set(passes ? 1 : 0)
    }

    func took(_ check: String, _ nanoseconds: UInt64) {
        if nanoseconds > 0 { duration(check).observe(nanoseconds) }
    }

    func state(_ current: Lifecycle.State) {
        for state in Lifecycle.State.allCases {
            states[state.position].set(state == current ? 1 : 0)
        }
    }

    func readinessChanged(isReady: Bool) { changes[isReady ? 0 : 1].add() }
}
