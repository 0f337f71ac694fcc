// SPDX-License-Identifier: Apache-2.0

extension Board {
    /// What a reader picks from: the values of a label.
    struct Variable: Sendable {
        var name: String
        var title: String
        /// Or streams.
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
        source == .prometheus ? ofSeries : ofStreams
    }

    private var ofSeries: [Variable] {
        // A Prometheus that no operator set up attaches no such label: ".*" is also without it.
        let namespace = Variable(
            name: "namespace",
            title: "Namespace",
            series: "lucarne_build_info",
            label: "namespace",
            all: ".*"
        )
        // Others' services, too, have series of these names (OpenTelemetry's): "All" are the jobs
        // in which a Lucarne is.
        let job = Variable(
            name: "job",
            title: "Job",
            series: PromQL.namespaces.series("lucarne_build_info"),
            label: "job"
        )
        let instance = Variable(
            name: "instance",
            title: "Instance",
            series: PromQL.jobs.series("lucarne_build_info"),
            label: "instance",
            all: ".+"
        )
        // Each route has it from the start, also one that nothing was asked of yet.
        let route = Variable(
            name: "route",
            title: "Route",
            series: PromQL.jobs.series("lucarne_request_layer_self_seconds_total"),
            label: "http_route",
            all: ".+"
        )
        return [namespace, job, instance] + (picksRoute ? [route] : [])
    }

    private var ofStreams: [Variable] {
        // ".*": what others collect from stdout may lack the labels that our sink sets.
        let environment = Variable(
            name: "environment",
            title: "Environment",
            series: Self.streams(),
            label: "env",
            all: ".*"
        )
        // Not $instance: there it is an address, here host and process id, and links between
        // boards pass on what was chosen.
        let process = Variable(
            name: "process",
            title: "Instance",
            series: Self.streams([#"env=~"$environment""#]),
            label: "instance",
            all: ".*"
        )
        return [environment, process]
    }
}
