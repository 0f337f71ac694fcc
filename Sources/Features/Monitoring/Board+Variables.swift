// SPDX-License-Identifier: Apache-2.0

extension Board {
    /// What a reader picks from: the values of a label.
    struct Variable: Sendable {
        var name: String
        var title: String
        var series: String
        var label: String
        /// What "All" stands for; without it, the values that there are.
        var all: String?

        /// As Grafana asks.
        var query: String { "label_values(\(series), \(label))" }
        /// The same, as Prometheus can be asked.
        var question: String { "count by (\(label)) (\(series))" }
    }

    var variables: [Variable] {
        guard source == .prometheus else { return [] }
        let ofJob = #"{job=~"$job"}"#
        // Others' services, too, have series of these names (OpenTelemetry's): "All" are the jobs
        // in which a Lucarne is.
        let job = Variable(name: "job", title: "Job", series: "lucarne_build_info", label: "job")
        let instance = Variable(
            name: "instance",
            title: "Instance",
            series: "lucarne_build_info" + ofJob,
            label: "instance",
            all: ".+"
        )
        // Each route has it from the start, also one that nothing was asked of yet.
        let route = Variable(
            name: "route",
            title: "Route",
            series: "lucarne_request_layer_self_seconds_total" + ofJob,
            label: "http_route",
            all: ".+"
        )
        return picksRoute ? [job, instance, route] : [job, instance]
    }
}
