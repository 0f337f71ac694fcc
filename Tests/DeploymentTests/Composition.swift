// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Lucarne

/// docker-compose.yml, held against the settings of the program and against the files that its
/// services read.
struct Composition {
    let deployment: Deployment

    private var compose: JSONValue { deployment.file("docker-compose.yml") }
    private var services: [(String, JSONValue)] {
        compose["services"]?.members ?? []
    }

    var findings: [String] {
        services.flatMap { name, service in
            (limits(service) + ports(service) + volumes(service) + health(service))
                .map { "\(name): \($0)" }
        } + unusedVolumes + settings + addresses + boards + retention
    }

    private func limits(_ service: JSONValue) -> [String] {
        var findings = ["restart", "mem_limit", "security_opt", "logging"]
            .filter { service[$0] == nil }.map { "no \($0)" }
        let image = service["image"]?.string ?? ""
        if service["build"] == nil, !image.contains(/:v?\d/) {
            findings.append("\(image) is not a version")
        }
        return findings
    }

    /// Nothing here is meant for others than this machine.
    private func ports(_ service: JSONValue) -> [String] {
        (service["ports"]?.strings ?? []).filter { !$0.hasPrefix("127.0.0.1:") }
            .map { "port \($0) is open to all" }
    }

    private func volumes(_ service: JSONValue) -> [String] {
        mounts(service).compactMap { source, _, isReadOnly in
            guard source.hasPrefix("./") else {
                return compose["volumes"]?[source] == nil ? "no volume \(source)" : nil
            }
            let path = String(source.dropFirst(2))
            guard Deployment.exists(path) else { return "there is no \(path)" }
            return isReadOnly ? nil : "\(path) can be written"
        }
    }

    private var unusedVolumes: [String] {
        let used = Set(services.flatMap { mounts($0.1) }.map(\.source))
        return (compose["volumes"]?.members ?? []).map(\.0).filter { !used.contains($0) }
            .map { "nothing uses the volume \($0)" }
    }

    private func mounts(
        _ service: JSONValue
    ) -> [(source: String, target: String, isReadOnly: Bool)] {
        (service["volumes"]?.strings ?? []).map { text in
            let parts = text.split(separator: ":").map(String.init)
            return (parts[0], parts.count > 1 ? parts[1] : "", parts.last == "ro")
        }
    }

    private func health(_ service: JSONValue) -> [String] {
        var findings = service["healthcheck"] == nil ? ["no healthcheck"] : []
        // While its image makes a database, a server answers by the socket alone.
        let test = service["healthcheck", "test"].strings
        if test.contains("pg_isready"), !test.contains("-h") {
            findings.append("its healthcheck asks a server that only sets things up")
        }
        for (other, dependency) in service["depends_on"]?.members ?? [] {
            let isHealthy = dependency["condition"]?.string == "service_healthy"
            if !isHealthy || compose["services", other, "healthcheck"] == .null {
                findings.append("does not wait until \(other) is healthy")
            }
        }
        return findings
    }
}

extension Composition {
    private var lucarne: JSONValue { compose["services", "lucarne"] }

    private func setting(_ key: SettingKey) -> String? {
        lucarne["environment", key.variable].string ?? deployment.imageEnvironment[key.variable]
            ?? Setting.of(key)?.standard
    }

    private var settings: [String] {
        let named = (lucarne["environment"]?.members ?? []).map(\.0)
        // libpq's own.
        let known = Deployment.settings.union(["PGPASSWORD"])
        var findings = named.filter { !known.contains($0) }.map { "lucarne: no setting \($0)" }
        if setting(.databaseURL)?.contains("$") != false {
            findings.append("lucarne: what is put into its URL may mean something there")
        }
        // What is in .env is nobody's who does not ask for it.
        let token = SettingKey.operationsToken.variable
        if lucarne["environment", token].string != "${\(token):-}" {
            findings.append("lucarne: a token in .env does not reach it")
        }
        if lucarne["healthcheck", "test"].strings != ["CMD", "lucarne", "healthcheck"] {
            findings.append("lucarne: its own healthcheck is not asked")
        }
        let memory = lucarne["mem_limit"]?.string
        if !Deployment.leavesRoom(held: setting(.httpHeldBytesMax), memory: memory) {
            findings.append("lucarne: it may hold too much of its memory")
        }
        let migrations = mounts(lucarne).map(\.target)
        if setting(.migrationsDirectory).map(migrations.contains) != true {
            findings.append("lucarne: its migrations are not mounted")
        }
        let drain = [SettingKey.drainDelay, .drainTimeout].compactMap(setting).compactMap(seconds)
        if seconds(lucarne["stop_grace_period"]?.string ?? "") ?? 0 <= drain.reduce(0, +) {
            findings.append("lucarne: killed before it has drained")
        }
        if setting(.drainDelay).flatMap(seconds) == 0 {
            findings.append("lucarne: nobody waits before it is stopped")
        }
        return findings
    }

    private func seconds(_ text: String) -> Int? {
        text.hasSuffix("s") ? Int(text.dropLast()) : nil
    }

    /// The longest that a rule looks back, and a day.
    private var retention: [String] {
        let command = compose["services", "prometheus", "command"].strings
        let days = command.compactMap { $0.wholeMatch(of: /--storage.+retention.time=(\d+)d/) }
            .first.flatMap { Int($0.1) }
        return days ?? 0 > 30 ? [] : ["prometheus: forgets what an error budget is made of"]
    }

    /// Who asks whom, and whether that one listens there.
    private var addresses: [String] {
        let grafana = deployment.file("deploy/grafana/provisioning/datasources/lucarne.yml")
        let sources = grafana["datasources"]?.array ?? []
        let prometheus = deployment.file("prometheus/prometheus.yml")
        let scraped = prometheus["scrape_configs"]?[0]?["static_configs"]?[0]?["targets"]
        let alerted = prometheus["alerting", "alertmanagers"][0]?["static_configs"]?[0]?["targets"]
        let asked =
            (scraped?.strings ?? ["no scrape"]) + (alerted?.strings ?? ["no alertmanager"])
            + sources.compactMap { $0["url"]?.string } + [setting(.logLokiURL) ?? "no loki"]
        return asked.map { $0.replacing("http://", with: "") }.filter { !listening.contains($0) }
            .map { "nothing listens on \($0)" } + links(sources)
    }

    private var listening: Set<String> {
        let published = services.flatMap { name, service in
            (service["ports"]?.strings ?? []).compactMap { $0.split(separator: ":").last }
                .map { "\(name):\($0)" }
        }
        let own = [SettingKey.address, .operationsAddress].compactMap(setting)
            .map { $0.replacing("0.0.0.0", with: "lucarne") }
        let loki = deployment.file("deploy/loki/loki.yml")["server", "http_listen_port"].int
        return Set(published.filter { !$0.hasPrefix("lucarne:") } + own)
            .union(["loki:\(loki ?? 0)"])
    }

    /// Exemplars and log lines open Lucarne's page in the reader's browser.
    private func links(_ sources: [JSONValue]) -> [String] {
        let page = "$LUCARNE_OPERATIONS_URL/debug/traces/$${__value.raw}"
        let links = sources.flatMap { source in
            ["exemplarTraceIdDestinations", "derivedFields"].flatMap {
                source["jsonData", $0].array ?? []
            }
        }
        var findings = links.filter { $0["url"]?.string != page || $0["name"] != "trace_id" }
            .map { "grafana: \($0["url"]?.string ?? "") is not the trace's page" }
        if links.count != 2 { findings.append("grafana: not every source links to traces") }
        let port = setting(.operationsAddress)?.split(separator: ":").last ?? ""
        let base = compose["services", "grafana", "environment", "LUCARNE_OPERATIONS_URL"].string
        let isPublished = lucarne["ports"]?.strings.contains("127.0.0.1:\(port):\(port)") == true
        if base != "http://localhost:\(port)" || !isPublished {
            findings.append("grafana: no browser finds \(base ?? "")")
        }
        return findings
    }

    private var boards: [String] {
        let provider = deployment.file("deploy/grafana/provisioning/dashboards/lucarne.yml")
        let folder = provider["providers"]?[0]?["options", "path"].string
        let grafana = compose["services", "grafana"]
        let mounted = mounts(grafana).first { $0.source == "./dashboards" }?.target
        let home = grafana["environment", "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].string ?? ""
        var findings = folder == mounted ? [] : ["grafana: the boards are not at \(folder ?? "")"]
        let file = home.replacing((mounted ?? "-") + "/", with: "dashboards/")
        if !Deployment.exists(file) { findings.append("grafana: there is no \(home)") }
        return findings
    }
}
