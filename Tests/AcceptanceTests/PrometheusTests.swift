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
            let prometheus = try Prometheus(scraping: server.port, features: ["native-histograms"])
            let name = "http_server_request_duration_seconds"
            var quantile: [String] = []
            let isAnswered = try eventually(within: 60) {
                for _ in 0..<5 { _ = try server.get("/rest/v1/planets?select=name") }
                quantile = try prometheus.values(
                    "histogram_quantile(0.99, sum(rate(\(name){http_route=~\".*relation.*\"}[10s])))"
                )
                return quantile.contains { (Double($0) ?? .nan) > 0 }
            }
            #expect(isAnswered, "\(quantile) \(prometheus.log)")
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

/// Prometheus as Debian packages it, scraping one port every second; it ends with this object.
final class Prometheus: @unchecked Sendable {
    private let process = Process()
    private let directory: String
    private let port = Int.random(in: 32_000..<42_000)

    init(scraping target: Int, features: [String] = []) throws {
        directory = NSTemporaryDirectory() + "lucarne-prometheus-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        let configuration = """
            global: {scrape_interval: 1s, scrape_timeout: 1s}
            scrape_configs:
              - job_name: lucarne
                static_configs: [{targets: ["127.0.0.1:\(target)"]}]
            """
        try configuration.write(
            toFile: directory + "/prometheus.yml",
            atomically: true,
            encoding: .utf8
        )
        let output = directory + "/output"
        _ = FileManager.default.createFile(atPath: output, contents: nil)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "prometheus", "--config.file=\(directory)/prometheus.yml",
            "--storage.tsdb.path=\(directory)/data", "--storage.tsdb.retention.time=1h",
            "--web.listen-address=127.0.0.1:\(port)",
            "--enable-feature=" + (["exemplar-storage"] + features).joined(separator: ","),
        ]
        let file = try #require(FileHandle(forWritingAtPath: output))
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let isReady = try eventually(within: 30) { try ask("/-/ready").contains("Ready") }
        try #require(isReady, "\(log)")
    }

    deinit {
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: directory)
    }

    var log: String { (try? String(contentsOfFile: directory + "/output", encoding: .utf8)) ?? "" }

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
        let body = try ask(path, ["-G"] + parameters.flatMap { ["--data-urlencode", $0] })
        let answer = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any]
        if let list = answer?["data"] as? [[String: Any]] { return list }
        return (answer?["data"] as? [String: Any])?["result"] as? [[String: Any]] ?? []
    }

    private func ask(_ path: String, _ arguments: [String] = []) throws -> String {
        try Command.run(
            "/usr/bin/env",
            ["curl", "-s", "--max-time", "10", "http://127.0.0.1:\(port)\(path)"] + arguments
        ).output
    }
}
