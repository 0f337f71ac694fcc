// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// How an objective stands now.
package struct ObjectiveStanding: Sendable {
    package struct Window: Sendable {
        package var window: BurnWindow
        package var requests: Double
        package var bad: Double
        /// None where nothing was asked.
        package var errorRatio: Double?
        /// 1 uses the budget of thirty days up in thirty days.
        package var burn: Double?
    }

    package var objective: ServiceObjective
    package var windows: [Window]
    /// Over thirty days, or since the start.
    package var requests: Double
    package var bad: Double
    /// 1 when nothing is used up; below 0 when it is overdrawn.
    package var budgetRemaining: Double

    package func isFiring(_ alert: BurnAlert) -> Bool {
        let burns = windows.filter { $0.window == alert.long || $0.window == alert.short }
        return burns.allSatisfy { window in
            window.burn ?? 0 > alert.factor(for: objective)
                && (window.window == alert.short || window.bad >= alert.badMin)
        }
    }
}

/// Watches the objectives with the same counters that Prometheus scrapes, and the same windows.
package final class ObjectiveMonitor: Sendable {
    package let objectives: [ServiceObjective]
    private let duration: HistogramFamily
    private let threshold: UInt64
    private let history: Mutex<BurnHistory>

    init(_ objectives: [ServiceObjective], _ registry: MetricRegistry) {
        self.objectives = objectives
        duration = registry.shared(HTTPMetrics.self).duration
        threshold =
            objectives.lazy.compactMap {
                if case .latency(let nanoseconds) = $0.measure { nanoseconds } else { nil }
            }.first ?? .max
        history = Mutex(BurnHistory(since: ObjectiveReading(at: uptimeNanoseconds())))
        let metrics = ObjectiveMetrics(registry, objectives)
        registry.refresh { [weak self] in
            if let self { metrics.refresh(standings) }
        }
    }

    /// To be called every `BurnHistory.period`.
    package func sample() {
        let reading = reading
        history.withLock { $0.record(reading) }
    }

    package var standings: [ObjectiveStanding] {
        let now = reading
        return history.withLock { history in
            objectives.map { ObjectiveStanding($0, history, now) }
        }
    }

    private var reading: ObjectiveReading {
        var reading = ObjectiveReading(at: uptimeNanoseconds())
        for series in duration.family.outcomes(within: threshold) {
            reading.total += series.count
            reading.slow += series.count - series.withinBound
            if series.status.hasPrefix("5") { reading.failed += series.count }
        }
        return reading
    }
}

extension MetricFamily {
    /// What each series of the request durations counts.
    fileprivate func outcomes(
        within bound: UInt64
    ) -> [(status: String, count: Double, withinBound: Double)] {
        guard let layout,
            let status = description.labels.firstIndex(where: {
                $0.name == "http_response_status_code"
            })
        else { return [] }
        return series.map { series in
            var (within, beyond) = (0.0, 0.0)
            let counts = HistogramReading(series.cell, layout).buckets.map { Double($0) }
            for (position, count) in counts.enumerated() {
                let isWithin = position < layout.bounds.count && layout.bounds[position] <= bound
                if isWithin { within += count } else { beyond += count }
            }
            return (series.values[status], within + beyond, within)
        }
    }
}

extension ObjectiveStanding {
    package init(
        _ objective: ServiceObjective,
        _ history: BurnHistory,
        _ now: ObjectiveReading
    ) {
        self.objective = objective
        windows = BurnWindow.allCases.map { window in
            let change = history.change(over: window, until: now)
            let ratio = change.errorRatio(objective.measure)
            return Window(
                window: window,
                requests: change.total,
                bad: change.bad(objective.measure),
                errorRatio: ratio,
                burn: ratio.map { $0 / objective.budget }
            )
        }
        let month = history.budgetChange(until: now)
        requests = month.total
        bad = month.bad(objective.measure)
        budgetRemaining = 1 - (month.errorRatio(objective.measure) ?? 0) / objective.budget
    }
}

/// The objectives as series, for those who would rather not compute them.
struct ObjectiveMetrics: Sendable {
    private let errors: GaugeFamily
    private let burns: GaugeFamily
    private let budgets: GaugeFamily

    init(_ registry: MetricRegistry, _ objectives: [ServiceObjective]) {
        let names = MetricLabel("slo", objectives.map(\.name))
        let windows = MetricLabel("slo_window", BurnWindow.self)
        errors = registry.gauge(
            "lucarne_slo_error_ratio",
            "Share of requests that missed the objective; 0 where there were none.",
            unit: .ratio,
            labels: [names, windows],
            layer: "slo"
        )
        burns = registry.gauge(
            "lucarne_slo_burn_ratio",
            "Error ratio over what the objective allows; 1 uses the budget up in thirty days.",
            unit: .ratio,
            labels: [names, windows],
            layer: "slo"
        )
        budgets = registry.gauge(
            "lucarne_slo_budget_remaining_ratio",
            "Share of the error budget left, over thirty days or since the start.",
            unit: .ratio,
            labels: [names],
            layer: "slo"
        )
        let targets = registry.gauge(
            "lucarne_slo_objective_ratio",
            "Share of requests that shall be good.",
            unit: .ratio,
            labels: [names],
            layer: "slo"
        )
        for objective in objectives { targets(objective.name).set(ratio: objective.target) }
    }

    func refresh(_ standings: [ObjectiveStanding]) {
        for standing in standings {
            let name = standing.objective.name
            for window in standing.windows {
                errors(name, window.window.rawValue).set(ratio: window.errorRatio ?? 0)
                burns(name, window.window.rawValue).set(ratio: window.burn ?? 0)
            }
            budgets(name).set(ratio: standing.budgetRemaining)
        }
    }
}

extension Gauge {
    /// Ratios are kept in billionths. A budget next to nothing makes one of any size, or none.
    fileprivate func set(ratio: Double) {
        let ratio = ratio.isNaN ? 0 : min(max(ratio, -9e9), 9e9)
        set(Int((ratio * 1e9).rounded()))
    }
}
