// SPDX-License-Identifier: Apache-2.0
import Foundation
import JSONCoding
import Support
import Testing

@testable import Monitoring

@Suite struct CompositionTests {
    @Test func `the composition obeys the schema of compose files`() throws {
        let run = try Command.run(
            Repository.python,
            [
                "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
                "\(Repository.root)/docker-compose.yml",
            ]
        )
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }

    @Test func `what the services read is there, and who is asked listens`() throws {
        let findings = try Composition(deployment: Deployment()).findings
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test(arguments: mistakes)
    func `a mistake in the composition is found`(mistake: Mistake) throws {
        let findings = try Composition(deployment: Deployment(mistake.change)).findings
        #expect(
            findings.contains { $0.contains(mistake.finding) },
            "\(findings.joined(separator: "\n"))"
        )
    }

    @Test(arguments: [
        ("promtool", ["check", "config", "prometheus/prometheus.yml"]),
        ("amtool", ["check-config", "prometheus/alertmanager.yml"]),
    ])
    func `a tool accepts its configuration`(tool: String, arguments: [String]) throws {
        let run = try Command.run("/usr/bin/env", ["-C", Repository.root, tool] + arguments)
        #expect(run.status == 0, "\(run.output)\(run.errors)")
    }

    @Test func `Prometheus reads what a guide says to write for a token`() throws {
        let guide = try Repository.text(of: "docs/deploying.md")
        let blocks = guide.split(separator: "```yaml\n").dropFirst()
            .compactMap { $0.split(separator: "```").first }
        let scrape = try #require(blocks.first { $0.hasPrefix("scrape_configs:") })
        let path = NSTemporaryDirectory() + "lucarne-scrape-\(UInt64.random(in: 0 ... .max)).yml"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try String(scrape).write(toFile: path, atomically: true, encoding: .utf8)
        let run = try Command.run("/usr/bin/env", ["promtool", "check", "config", path])
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        let file = try Deployment().file("prometheus/prometheus.yml")
        for target in file["scrape_configs"]?[0]?["static_configs"]?[0]?["targets"]?.strings ?? [] {
            #expect(scrape.contains("[\(target)]") && scrape.contains("authorization:"))
        }
    }

    @Test func `alerts are routed by the severities that there are, and inhibited by name`() throws
    {
        let alerts = RuleGroup.alerting.flatMap(\.rules)
        let known = Set(alerts.map(\.name))
            .union(alerts.flatMap { $0.labels.filter { $0.0 == "severity" }.map(\.1) })
        let file = try Deployment().file("prometheus/alertmanager.yml")
        let routes = file["route", "routes"].array ?? []
        let rules = file["inhibit_rules"]?.array ?? []
        let matchers = (routes + rules).flatMap { entry in
            ["matchers", "source_matchers", "target_matchers"].flatMap { entry[$0]?.strings ?? [] }
        }
        #expect(matchers.count > 2)
        for matcher in matchers {
            let words = matcher.split(separator: " ").map(String.init)
            let pattern = try Regex(words.last ?? "")
            let isKnown =
                words.contains("=~")
                ? known.contains { $0.wholeMatch(of: pattern) != nil }
                : known.contains(words.last ?? "")
            #expect(isKnown, "\(matcher)")
        }
    }

    @Test func `a board finds the data source that is provisioned for it`() throws {
        let path = "deploy/grafana/provisioning/datasources/lucarne.yml"
        let sources = try Deployment().file(path)["datasources"]?.array ?? []
        let provisioned = Dictionary(
            uniqueKeysWithValues: sources.map { ($0["type"]?.string, $0["uid"]?.string) }
        )
        for board in Board.all {
            let variable = try #require(board.json["templating", "list"][0])
            let uid = provisioned[variable["query"]?.string]
            #expect(uid != nil && uid == variable["current", "value"].string, "\(board.name)")
        }
    }

    private static let compose = "docker-compose.yml"
    private static let sources = "deploy/grafana/provisioning/datasources/lucarne.yml"

    private static let mistakes = [
        Mistake(compose, "127.0.0.1:9090:9090", "9090:9090", "port 9090:9090 is open to all"),
        Mistake(compose, "prom/prometheus:v3.5.3", "prom/prometheus", "is not a version"),
        Mistake(compose, "mem_limit: 128m", "cpus: 2", "alertmanager: no mem_limit"),
        Mistake(compose, "./deploy/loki/loki.yml", "./loki.yml", "there is no loki.yml"),
        Mistake(compose, "./dashboards:/etc/lucarne/dashboards", "./dashboards:/x", "not at"),
        Mistake(compose, "lucarne-overview.json", "lucarne-start.json", "there is no /etc/"),
        Mistake(compose, "- lucarne:/var", "- data:/var", "no volume data"),
        Mistake(compose, "- loki:/loki", "- grafana:/loki", "nothing uses the volume loki"),
        Mistake(compose, "/dashboards:ro", "/dashboards", "dashboards can be written"),
        Mistake(compose, "service_healthy", "service_started", "until postgres is healthy"),
        Mistake(compose, "//postgres@", "//postgres:${P}@", "lucarne: what is put into its URL"),
        Mistake(compose, "_TOKEN:-}", "_TOKENS:-}", "a token in .env does not reach it"),
        Mistake(compose, "_LOG_LOKI_URL", "_LOKI_URL", "no setting LUCARNE_LOKI_URL"),
        Mistake(compose, "-h, localhost, ", "", "asks a server that only sets things up"),
        Mistake(compose, "lucarne, healthcheck", "true", "its own healthcheck is not asked"),
        Mistake(compose, "MAX: 128MiB", "MAX: 256MiB", "it may hold too much"),
        Mistake(compose, ":/migrations:ro", ":/sql:ro", "its migrations are not mounted"),
        Mistake(
            compose,
            "stop_grace_period: 40s",
            "stop_grace_period: 30s",
            "before it has drained"
        ),
        Mistake(compose, "LUCARNE_DRAIN_DELAY: 5s", "LUCARNE_DRAIN_TIMEOUT: 5s", "nobody waits"),
        Mistake(compose, "retention.time=31d", "retention.time=30d", "prometheus: forgets"),
        Mistake(compose, "9464:9464", "9464:9999", "no browser finds http://localhost:9464"),
        Mistake(compose, "localhost:9464", "lucarne:9464", "no browser finds http://lucarne:9464"),
        Mistake("prometheus/prometheus.yml", "lucarne:9464", "lucarne:80", "on lucarne:80"),
        Mistake("prometheus/prometheus.yml", "[lucarne:9464]", "[lucarne:8080, a:1]", "on a:1"),
        Mistake("prometheus/prometheus.yml", "alertmanager:9093", "alerts:9093", "on alerts:9093"),
        Mistake("deploy/loki/loki.yml", "3100", "3101", "nothing listens on loki:3100"),
        Mistake(sources, "/debug/traces/", "/traces/", "is not the trace's page"),
        Mistake(sources, "derivedFields", "otherFields", "not every source links to traces"),
        Mistake(sources, "prometheus:9090", "prometheus:9091", "listens on prometheus:9091"),
    ]
}
