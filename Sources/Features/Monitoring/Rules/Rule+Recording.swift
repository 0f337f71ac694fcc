// SPDX-License-Identifier: Apache-2.0

extension Watch {
    private var minutes: PromQL { over("5m") }

    var requests: RuleGroup {
        RuleGroup(
            name: "lucarne-red",
            rules: [
                .record(
                    "job_route:http_requests:rate5m",
                    minutes.observed(Family.request, by: Watch.deployment + ", http_route")
                ),
                .record(
                    "job_route:http_errors:rate5m",
                    minutes.observed(
                        Family.request,
                        by: Watch.deployment + ", http_route",
                        Family.serverErrors
                    )
                ),
                quantile("0.5", "p50"), quantile("0.9", "p90"), quantile("0.99", "p99"),
                .record(
                    "job_layer:self_seconds:rate5m",
                    minutes.rate(
                        "lucarne_request_layer_self_seconds_total",
                        by: Watch.deployment + ", layer"
                    )
                ),
            ]
        )
    }

    private func quantile(_ quantile: String, _ name: String) -> Rule {
        .record(
            "job_route:http_duration_seconds:\(name)_5m",
            minutes.quantile(quantile, Family.request, by: Watch.deployment + ", http_route")
        )
    }
}
