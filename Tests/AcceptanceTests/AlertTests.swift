// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    /// What ships, with shorter times: the rules, the routes, and who asks whom are the same.
    @Suite(.serialized) struct AlertTests {
        @Test func `a database that is gone is a page, and taken back when it is there again`()
            throws
        {
            let name = "LucarneNotReady"
            let postgres = try PostgresServer()
            let database = try Database(on: postgres)
            // The check's alert waits for minutes, and so long only that of readiness is first.
            let server = try LucarneProcess.serving(
                connection: database.connection,
                environment: ["LUCARNE_READINESS_DATABASE_AFTER": "0s"]
            )
            let webhook = try Daemon("python3", files: [:]) {
                ["\(Repository.root)/Tests/Clients/webhook.py", "\($1)", "\($0)/received"]
            }.ready("/")
            let alertmanager = try Daemon.alertmanager(notifying: webhook)
            let rules = try Repository.text(of: "prometheus/rules/alerts.yml")
            let prometheus = try Daemon.prometheus(
                scraping: server,
                alertmanager: alertmanager,
                alerts: rules.replacing(/for: [0-9]+m/) { _ in "for: 2s" }
            )
            #expect(try eventually(within: 20) { try prometheus.values("up") == ["1"] })
            #expect(try server.get("/rest/v1/planets?limit=1").status == 200)
            #expect(try webhook.received(name).isEmpty)

            try postgres.kill()
            _ = try eventually(within: 60) { try !webhook.received(name).isEmpty }
            let page = try #require(try webhook.received(name).first, "\(alertmanager.output)")
            #expect(page.path == "/pages" && page.status == "firing")
            #expect(page.labels["severity"] == "page")
            #expect(page.labels["instance"] == "127.0.0.1:\(server.port)")
            let runbook = try #require(page.annotations["runbook_url"])
            #expect(try Repository.text(of: runbook).hasPrefix("# \(name)\n"))
            // The ticket for the check that fails says nothing more.
            #expect(
                try eventually(within: 20) {
                    try alertmanager.inhibited().contains("LucarneHealthCheckFailing")
                }
            )

            try postgres.restart()
            #expect(
                try eventually(within: 60) {
                    try webhook.received(name).contains { $0.status == "resolved" }
                },
                "\(alertmanager.output)"
            )
            #expect(try server.get("/rest/v1/planets?limit=1").status == 200)
            #expect(try webhook.received("LucarneHealthCheckFailing").isEmpty)
        }

        @Test func `what follows from a cause is held back, and what others have is not`()
            throws
        {
            let alertmanager = try Daemon.alertmanager(notifying: nil)
            let causes = [
                ["alertname": "LucarneAbsent", "cluster": "a"],
                ["alertname": "LucarneDown", "namespace": "n", "job": "j", "instance": "1"],
                ["alertname": "LucarnePoolExhausted", "job": "j", "instance": "2", "pool": "p"],
            ]
            // Of another cluster, namespace or instance.
            let others = [
                ["alertname": "LucarneRetryStorm", "cluster": "b"],
                ["alertname": "LucarneNotReady", "namespace": "m", "job": "j", "instance": "1"],
                ["alertname": "LucarnePoolSaturated", "job": "j", "instance": "3", "pool": "p"],
            ]
            let following = [
                ["alertname": "LucarneRetryStorm", "cluster": "a"],
                ["alertname": "LucarneNotReady", "namespace": "n", "job": "j", "instance": "1"],
                ["alertname": "LucarnePoolSaturated", "job": "j", "instance": "2", "pool": "p"],
            ]
            try alertmanager.post(causes + others + following)
            let names = following.compactMap { $0["alertname"] }
            #expect(
                try eventually(within: 20) {
                    try alertmanager.inhibited().sorted() == names.sorted()
                },
                "\(alertmanager.output)"
            )
        }
    }
}

/// One alert of a notification.
private struct Notice {
    let path: String
    let status: String
    let labels: [String: String]
    let annotations: [String: String]
}

extension Daemon {
    /// Without a webhook nobody listens.
    fileprivate static func alertmanager(notifying webhook: Daemon?) throws -> Daemon {
        let shipped = try Repository.text(of: "prometheus/alertmanager.yml")
        let configuration = shipped.replacing(
            "http://host.docker.internal:9095",
            with: webhook?.base ?? "http://127.0.0.1:1"
        )
        .replacing("group_wait: 30s", with: "group_wait: 5s")
        .replacing("group_wait: 10s", with: "group_wait: 1s")
        .replacing(/group_interval: [0-9]+m/) { _ in "group_interval: 1s" }
        return try Daemon("prometheus-alertmanager", files: ["alertmanager.yml": configuration]) {
            [
                "--config.file=\($0)/alertmanager.yml", "--storage.path=\($0)/data",
                "--web.listen-address=127.0.0.1:\($1)", "--cluster.listen-address=",
            ]
        }.ready("/-/ready")
    }

    /// What the webhook was told, of one alert or of all.
    fileprivate func received(_ alert: String? = nil) throws -> [Notice] {
        let text = (try? String(contentsOfFile: directory + "/received", encoding: .utf8)) ?? ""
        let notices = try text.split(separator: "\n").flatMap { line in
            let group = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
            return (group?["alerts"] as? [[String: Any]] ?? []).map { alert in
                Notice(
                    path: group?["path"] as? String ?? "",
                    status: alert["status"] as? String ?? "",
                    labels: alert["labels"] as? [String: String] ?? [:],
                    annotations: alert["annotations"] as? [String: String] ?? [:]
                )
            }
        }
        return notices.filter { alert == nil || $0.labels["alertname"] == alert }
    }

    /// Alerts, as a Prometheus sends them to an Alertmanager.
    fileprivate func post(_ alerts: [[String: String]]) throws {
        let body = try JSONSerialization.data(withJSONObject: alerts.map { ["labels": $0] })
        let text = try #require(String(data: body, encoding: .utf8))
        let json = ["-H", "Content-Type: application/json", "--data-raw", text]
        #expect(try get("/api/v2/alerts", json).status == 200)
    }

    /// Names of the alerts that an Alertmanager holds back because of others.
    fileprivate func inhibited() throws -> [String] {
        let body = try get("/api/v2/alerts").body
        let alerts = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [[String: Any]]
        return (alerts ?? []).filter { alert in
            let status = alert["status"] as? [String: Any]
            return (status?["inhibitedBy"] as? [String])?.isEmpty == false
        }.compactMap { ($0["labels"] as? [String: String])?["alertname"] }
    }
}
