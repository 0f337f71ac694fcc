// SPDX-License-Identifier: Apache-2.0
internal import Telemetry

/// What is promised over 30 days, in PromQL.
struct Objective: Sendable {
    let promised: ServiceObjective

    init(_ promised: ServiceObjective) { self.promised = promised }

    var name: String { promised.name }

    /// The share that may break the promise.
    var budget: String { promised.budget.promQL }

    var promise: String {
        let share = "\((promised.target * 100).promQL) % of requests"
        return switch promised.measure {
        case .availability: "\(share) answered without a 5xx"
        case .latency(let nanoseconds): "\(share) in \(nanoseconds / 1_000_000) ms"
        }
    }

    var alert: String {
        promised.measure == .availability
            ? "LucarneAvailabilityBudgetBurn" : "LucarneLatencyBudgetBurn"
    }

    /// Requests per second that broke it, by deployment.
    func bad(_ chosen: PromQL) -> String {
        switch promised.measure {
        case .availability:
            chosen.part(of: Family.request, by: Watch.deployment, Family.serverErrors)
        case .latency(let nanoseconds):
            chosen.above(Double(nanoseconds) / 1e9, of: Family.request, by: Watch.deployment)
        }
    }

    func recorded(_ window: String) -> String {
        PromQL.jobs.series("slo:sli_error:ratio_rate\(window)", "slo=\"\(name)\"")
    }

    func burn(_ window: String) -> String { "\(recorded(window)) / \(budget)" }
}

extension Objective {
    fileprivate static let requests = "slo:requests:rate5m"

    fileprivate func ratio(_ window: String, _ expression: String) -> Rule {
        .record(
            "slo:sli_error:ratio_rate\(window)",
            expression,
            [("slo", name), ("slo_window", window)]
        )
    }

    fileprivate func badRate(_ window: String, _ watch: Watch) -> Rule {
        .record("slo:bad_requests:rate\(window)", bad(watch.over(window)), [("slo", name)])
    }

    private func series(_ name: String, _ window: String) -> String {
        "slo:\(name)\(window){slo=\"\(self.name)\"}"
    }

    /// Over 30 days each request counts once, one of a busy hour and one of a quiet one.
    fileprivate var month: Rule {
        let bad = "sum_over_time(\(series("bad_requests:rate", "5m"))[30d])"
        return ratio(
            "30d",
            "\(bad) / on (\(Watch.deployment)) (sum_over_time(\(Self.requests)[30d]) > 0)"
        )
    }

    fileprivate func isBurning(_ alert: BurnAlert) -> String {
        let limit = "(\(alert.factor(for: promised).promQL) * \(budget))"
        let long = series("sli_error:ratio_rate", alert.long.rawValue)
        let short = series("sli_error:ratio_rate", alert.short.rawValue)
        var conditions = ["\(long) > \(limit)", "\(short) > \(limit)"]
        if alert.badMin > 0 {
            let bad = series("bad_requests:rate", alert.long.rawValue)
            let seconds = alert.long.nanoseconds / 1_000_000_000
            conditions.append("\(seconds) * \(bad) >= \(alert.badMin.promQL)")
        }
        return "(\(conditions.joined(separator: " and on (\(Watch.deployment)) ")))"
    }

    fileprivate func alert(_ severity: BurnAlert.Severity, for pending: String) -> Rule {
        let burns = BurnAlert.all.filter { $0.severity == severity }.map(isBurning)
        return .alert(
            alert,
            "max by (\(Watch.deployment)) (\(burns.joined(separator: " or ")))",
            for: pending,
            severity == .page ? .page : .ticket,
            "{{ $labels.job }} burns its error budget too fast",
            "SLO: \(promise) over 30 days. Error ratio over the long window "
                + "{{ $value | humanizePercentage }}.",
            board: "slo",
            [("slo", name)],
            proof: proof(severity)
        )
    }

    /// An hour in which each request breaks it. A page is over when the short windows are, the
    /// longest of them half an hour; a ticket when six hours are.
    private func proof(_ severity: BurnAlert.Severity) -> AlertProof {
        var proof = AlertProof()
        proof.series = broken
        proof.value = severity == .page ? "100%" : "50%"
        proof.faultMinutes = 60
        proof.recoveryMinutes = severity == .page ? 31 : 6 * 60 + 1
        return proof
    }

    private var broken: [AlertProof.Series] {
        let count = Family.request + "_count"
        switch promised.measure {
        case .availability:
            return [
                .counter(count, ["http_response_status_code": "200"], well: 600, bad: 0),
                .counter(count, ["http_response_status_code": "500"], well: 0, bad: 600),
            ]
        case .latency(let nanoseconds):
            let bound = "\(Double(nanoseconds) / 1e9)"
            return [
                .counter(count, well: 600, bad: 600),
                .counter(Family.request + "_bucket", ["le": "\(bound)"], well: 600, bad: 0),
            ]
        }
    }
}

extension Watch {
    var indicators: RuleGroup {
        let counted = BurnAlert.all.filter { $0.badMin > 0 }.map(\.long)
        return RuleGroup(
            name: "lucarne-slo-sli",
            rules: BurnWindow.allCases.filter { !$0.isLong }.flatMap(ratios)
                + counted.flatMap { window in
                    objectives.map { $0.badRate(window.rawValue, self) }
                }
        )
    }

    /// What takes days to change, and is the dearest to compute.
    var days: RuleGroup {
        let requests = over("5m").observed(Family.request, by: Watch.deployment)
        return RuleGroup(
            name: "lucarne-slo-days",
            // Well below the five minutes that Prometheus looks back for a sample.
            interval: "2m",
            rules: BurnWindow.allCases.filter(\.isLong).flatMap(ratios)
                + [.record(Objective.requests, requests)]
                + objectives.map { $0.badRate("5m", self) } + objectives.map(\.month)
        )
    }

    private func ratios(_ window: BurnWindow) -> [Rule] {
        let chosen = over(window.rawValue)
        let all = chosen.observed(Family.request, by: Watch.deployment)
        return objectives.map {
            $0.ratio(window.rawValue, "(\($0.bad(chosen))) / (\(all) > 0)")
        }
    }

    /// The same pairs of windows as the process watches by itself.
    var burns: RuleGroup {
        RuleGroup(
            name: "lucarne-slo-alerts",
            rules: objectives.flatMap {
                [$0.alert(.page, for: "2m"), $0.alert(.ticket, for: "15m")]
            }
        )
    }
}

extension BurnWindow {
    fileprivate var isLong: Bool { nanoseconds >= Self.day.nanoseconds }
}

extension Double {
    /// As Prometheus prints it, without the dust of binary fractions.
    var promQL: String {
        let rounded = (self * 1e10).rounded() / 1e10
        return Int(exactly: rounded).map(String.init) ?? "\(rounded)"
    }
}
