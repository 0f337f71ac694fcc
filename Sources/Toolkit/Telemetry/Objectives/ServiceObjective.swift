// SPDX-License-Identifier: Apache-2.0

/// A share of requests that shall be good, over thirty days.
package struct ServiceObjective: Sendable {
    package enum Measure: Equatable, Sendable {
        /// Good: answered without a 5xx.
        case availability
        /// Good: answered within the time, which is a bound of the duration's buckets.
        case latency(nanoseconds: UInt64)
    }

    package let measure: Measure
    /// 0.999 for 99.9 %.
    package let target: Double

    package init(_ measure: Measure, target: Double) {
        self.measure = measure
        self.target = target
    }

    /// The value of the label `slo`, the same as in the Prometheus rules.
    package var name: String {
        switch measure {
        case .availability: "availability"
        case .latency(let nanoseconds): "latency\(nanoseconds / 1_000_000)ms"
        }
    }

    /// What may go wrong.
    package var budget: Double { 1 - target }

    /// What a latency can be compared with: Prometheus, too, has only the buckets to look at.
    package static var latencyBounds: [UInt64] {
        Buckets.http.map { UInt64(($0 * 1e9).rounded()) }
    }
}

/// How far back an error ratio looks.
package enum BurnWindow: String, EventLabel {
    case minutes5 = "5m"
    case minutes30 = "30m"
    case hour = "1h"
    case hours2 = "2h"
    case hours6 = "6h"
    case day = "1d"
    case days3 = "3d"

    package var nanoseconds: UInt64 {
        let minutes: UInt64 =
            switch self {
            case .minutes5: 5
            case .minutes30: 30
            case .hour: 60
            case .hours2: 120
            case .hours6: 360
            case .day: 1_440
            case .days3: 4_320
            }
        return minutes * 60_000_000_000
    }
}

/// Fires when the budget burns so fast over a long and a short window: the long one says that it
/// matters, the short one that it still goes on (Google, "The Site Reliability Workbook", §5).
package struct BurnAlert: Sendable {
    package enum Severity: String, Sendable { case page, ticket }

    package let severity: Severity
    package let factor: Double
    package let long: BurnWindow
    package let short: BurnWindow
    /// So many requests missed the objective in the long window, at least: nobody is woken for one
    /// failure where little is asked.
    package let badMin: Double

    /// How many times too fast the budget burns then: `factor`, but half-way to all requests where
    /// so many budgets are more than those.
    package func factor(for objective: ServiceObjective) -> Double {
        min(factor, (1 + 1 / objective.budget) / 2)
    }

    package static let all = [
        BurnAlert(severity: .page, factor: 14.4, long: .hour, short: .minutes5, badMin: 5),
        BurnAlert(severity: .page, factor: 6, long: .hours6, short: .minutes30, badMin: 5),
        BurnAlert(severity: .ticket, factor: 3, long: .day, short: .hours2, badMin: 0),
        BurnAlert(severity: .ticket, factor: 1, long: .days3, short: .hours6, badMin: 0),
    ]
}
