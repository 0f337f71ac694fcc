// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// Whom the rules watch, and what was promised: all that boards and rules depend on.
package struct Watch: Sendable {
    /// A regular expression for a job's whole name: other services have series of OpenTelemetry's
    /// names as well.
    package var job = "lucarne.*"
    package var promises = TelemetryConfiguration().objectives

    package init() {}

    package init(promises: [ServiceObjective]) { self.promises = promises }

    /// What ships.
    package static let standard = Watch()

    /// The labels that tell one deployment from another: a Prometheus operator gives the jobs of
    /// all namespaces one name. A label that is not there changes nothing.
    static let deployment = "namespace, job"
    static let process = deployment + ", instance"

    var objectives: [Objective] { promises.map(Objective.init) }

    /// The series of the watched jobs, over a range.
    func over(_ range: String) -> PromQL {
        let text = job.replacing("\\", with: #"\\"#).replacing("\"", with: #"\""#)
        return PromQL(matchers: [#"job=~"\#(text)""#], range: range)
    }

    package var recording: [RuleGroup] { [requests, indicators, days] }
    package var alerting: [RuleGroup] { [burns, operational] }
    package var rules: [RuleGroup] { recording + alerting }

    package var boards: [Board] {
        [
            .overview(objectives), .objectives(objectives), .routes, .layers, .database, .security,
            .runtime, .telemetry, .logs,
        ]
    }
}

extension Board {
    package static let all = Watch.standard.boards
}

extension RuleGroup {
    package static let recording = Watch.standard.recording
    package static let alerting = Watch.standard.alerting
    package static let all = Watch.standard.rules
}
