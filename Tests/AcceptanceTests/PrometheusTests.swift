// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct PrometheusTests {
        @Test func `a Prometheus that wants native histograms gets them, with exemplars`() throws {
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: ["LUCARNE_KEEP_ONE_TRACE_IN": "1"]
            )
            let prometheus = try Daemon.prometheus(
                scraping: server,
                features: ["native-histograms"]
            )
            let name = "http_server_request_duration_seconds"
            var quantile: [String] = []
            let isAnswered = try eventually(within: 60) {
                for _ in 0..<5 { _ = try server.get("/rest/v1/planets?select=name") }
                quantile = try prometheus.values(
                    "histogram_quantile(0.99, sum(rate(\(name){http_route=~\".*relation.*\"}[10s])))"
                )
                return quantile.contains { (Double($0) ?? .nan) > 0 }
            }
            #expect(isAnswered, "\(quantile) \(prometheus.output)")
            let seconds = try #require(quantile.first.flatMap { Double($0) })
            #expect(seconds < 30)
            let count = try prometheus.values(
                "histogram_count(\(name){http_route=~\".*relation.*\"})"
            )
            #expect(count.contains { (Double($0) ?? 0) >= 5 })
            // What has native buckets comes without classic ones, what has none comes with them.
            #expect(try prometheus.values("\(name)_bucket") == [])
            #expect(try !prometheus.values("lucarne_request_layer_duration_seconds_bucket").isEmpty)
            #expect(try prometheus.values("up") == ["1"])
            let exemplars = try prometheus.exemplars(of: name)
            #expect(!exemplars.isEmpty)
            for trace in exemplars {
                #expect(try server.get("/debug/traces/\(trace)").status == 200, "\(trace)")
            }
        }
    }
}

/// What a Prometheus is asked.
extension Daemon {
    /// The values of an instant query's vector, as they are written.
    func values(_ query: String) throws -> [String] {
        try result(of: "/api/v1/query", query).compactMap { series in
            (series["value"] as? [Any])?.last.map { "\($0)" }
        }
    }

    /// The trace ids of a metric's exemplars.
    func exemplars(of metric: String) throws -> Set<String> {
        let now = Date().timeIntervalSince1970
        let series = try result(
            of: "/api/v1/query_exemplars",
            metric,
            "start=\(now - 600)",
            "end=\(now + 60)"
        )
        let all = series.flatMap { $0["exemplars"] as? [[String: Any]] ?? [] }
        return Set(all.compactMap { ($0["labels"] as? [String: String])?["trace_id"] })
    }

    private func result(
        of path: String,
        _ query: String,
        _ parameters: String...
    ) throws -> [[String: Any]] {
        let parameters = ["query=\(query)"] + parameters
        let encoded = parameters.flatMap { ["--data-urlencode", $0] }
        let body = try get(path, ["-G"] + encoded).body
        let answer = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        if let list = answer?["data"] as? [[String: Any]] { return list }
        return (answer?["data"] as? [String: Any])?["result"] as? [[String: Any]] ?? []
    }
}
