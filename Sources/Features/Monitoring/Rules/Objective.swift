// SPDX-License-Identifier: Apache-2.0
internal import Telemetry

/// What is promised over 30 days, and the share that may break the promise.
struct Objective: Sendable {
    var name: String
    var promise: String
    var budget: String
    var alert: String
    /// The share of requests that broke it, by job, over a range.
    var errorShare: @Sendable (PromQL) -> String
    /// What an hour of breaking it looks like.
    var broken: [AlertProof.Series]
    /// The share that it then has over the hour, and over the day that has been two hours long.
    var brokenShare: (hour: String, day: String)

    static let availability = Objective(
        name: "availability",
        promise: "99.9 % of requests answered without a 5xx",
        budget: "0.001",
        alert: "LucarneAvailabilityBudgetBurn",
        errorShare: { $0.share(of: Family.request, by: "job", Family.serverErrors) },
        broken: [
            .counter(answered, ["http_response_status_code": "200"], well: 600, bad: 400),
            .counter(answered, ["http_response_status_code": "500"], well: 0, bad: 200),
        ],
        brokenShare: ("33.33%", "16.67%")
    )
    static let latency = Objective(
        name: "latency250ms",
        promise: "99 % of requests in 250 ms",
        budget: "0.01",
        alert: "LucarneLatencyBudgetBurn",
        errorShare: { $0.shareAbove("0.25", of: Family.request, by: "job") },
        broken: [
            .counter(answered, well: 600, bad: 600),
            .counter(Family.request + "_bucket", ["le": "0.25"], well: 600, bad: 300),
        ],
        brokenShare: ("50%", "25%")
    )
    private static let answered = Family.request + "_count"
    static let all = [availability, latency]

    func recorded(_ window: String) -> String {
        #"slo:sli_error:ratio_rate\#(window){job=~"$job",slo="\#(name)"}"#
    }

    func burn(_ window: String) -> String { "\(recorded(window)) / \(budget)" }
}

extension Rule {
    static let indicators = RuleGroup(
        name: "lucarne-slo-sli",
        rules: BurnWindow.allCases.flatMap { window in
            Objective.all.map { objective in
                .record(
                    "slo:sli_error:ratio_rate\(window.rawValue)",
                    objective.errorShare(.rule(window.rawValue)),
                    [("slo", objective.name), ("slo_window", window.rawValue)]
                )
            }
        }
    )

    static let burns = RuleGroup(
        name: "lucarne-slo-alerts",
        rules: Objective.all.flatMap { objective in
            [
                burn(objective, .page, for: "2m"), burn(objective, .ticket, for: "15m"),
            ]
        }
    )

    /// The same pairs of windows as the process watches by itself.
    private static func burn(
        _ objective: Objective,
        _ severity: BurnAlert.Severity,
        for pending: String
    ) -> Rule {
        let conditions = BurnAlert.all.filter { $0.severity == severity }.map { alert in
            let factor = Int(exactly: alert.factor).map(String.init) ?? "\(alert.factor)"
            let limit = "(\(factor) * \(objective.budget))"
            let long = objective.ratio(alert.long.rawValue)
            let short = objective.ratio(alert.short.rawValue)
            return "(\(long) > \(limit) and on (job) \(short) > \(limit))"
        }
        return .alert(
            objective.alert,
            "max by (job) (\(conditions.joined(separator: " or ")))",
            for: pending,
            severity == .page ? .page : .ticket,
            "{{ $labels.job }} burns its error budget too fast",
            "SLO: \(objective.promise) over 30 days. Error ratio over the long window "
                + "{{ $value | humanizePercentage }}.",
            board: "slo",
            [("slo", objective.name)],
            proof: objective.proof(severity)
        )
    }
}

extension Objective {
    /// A page is over when the short windows are, the longest of them half an hour; a ticket when
    /// six hours are.
    fileprivate func proof(_ severity: BurnAlert.Severity) -> AlertProof {
        var proof = AlertProof()
        proof.series = broken
        proof.value = severity == .page ? brokenShare.hour : brokenShare.day
        proof.faultMinutes = 60
        proof.recoveryMinutes = severity == .page ? 31 : 6 * 60 + 1
        return proof
    }

    fileprivate func ratio(_ window: String) -> String {
        #"slo:sli_error:ratio_rate\#(window){slo="\#(name)"}"#
    }
}
