// SPDX-License-Identifier: Apache-2.0

/// Each layer is measured by the one function that every call passes through anyway.
let measuringFiles: Set<String> = [
    "Sources/Core/Endpoints/Endpoint.swift",
    // Its controllers are no endpoints: nobody is served under a role.
    "Sources/Features/Operations/Operations.swift",
]

let measuredAtTheDoors = Rule(name: "only the doors measure") { file in
    guard file.group != nil, file.module != "Telemetry", !measuringFiles.contains(file.path) else {
        return []
    }
    return file.findings(
        Pattern(".measure(", "belongs to a layer's door: see docs of Boundary"),
        in: \.code
    )
}

private let telemetryWords = [
    "Logger", "Histogram", "Counter", "Gauge", "TraceSpan", "LogPipeline",
    "LogLevel", "Clock", "ContinuousClock", "SuspendingClock", "clock_gettime",
    "uptimeNanoseconds", "gettimeofday",
].map { Pattern($0, "in a feature: its layer is measured at the door; report an event") }

let featuresHoldNoTelemetry = Rule(name: "a feature has no clock, counter, span or log line") {
    file in
    guard file.group == "Features",
        // These two are about telemetry.
        file.module != "Operations", file.module != "Monitoring"
    else { return [] }
    return telemetryWords.flatMap { file.findings($0, in: \.code) }
}
