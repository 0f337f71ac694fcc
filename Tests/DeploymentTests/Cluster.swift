// SPDX-License-Identifier: Apache-2.0
import Foundation
import JSONCoding
import Lucarne

/// deploy/kubernetes, held against the program, against the image, and each manifest against the
/// others.
struct Cluster {
    let deployment: Deployment
    /// The paths that the operations listener answers.
    let paths: Set<String>

    static let folder = "deploy/kubernetes"

    private func manifest(_ name: String) -> JSONValue {
        deployment.file("\(Self.folder)/\(name).yaml")
    }

    private var template: JSONValue { manifest("deployment")["spec", "template"] }
    private var pod: JSONValue { template["spec"] ?? .null }
    private var container: JSONValue { pod["containers"]?[0] ?? .null }
    private var labels: JSONValue { template["metadata", "labels"] }
    private var services: [JSONValue] { deployment.documents["\(Self.folder)/service.yaml"] ?? [] }

    var findings: [String] {
        listed + settings + ports + probes + shutdown + budget + privileges + selectors + scraping
    }

    /// Each file is applied, but for the examples.
    private var listed: [String] {
        Deployment.found(in: Self.folder).filter { $0.hasSuffix("kustomization.yaml") }
            .flatMap { path in
                let folder = String(path.dropLast("/kustomization.yaml".count))
                let listed = Set(deployment.file(path)["resources"]?.strings ?? [])
                let there = Deployment.found(in: folder).map { $0.dropFirst(folder.count + 1) }
                    .filter { !$0.contains("/") && !$0.contains(".example.") }.map(String.init)
                let resources = Set(there).subtracting(["kustomization.yaml"])
                return resources.subtracting(listed).map { "\(folder): \($0) is not listed" }
                    + listed.subtracting(resources).map { "\(folder): there is no \($0)" }
            } + version
    }

    private var version: [String] {
        let image = manifest("kustomization")["images"]?[0]
        let isOurs = image?["name"] == container["image"]
        return isOurs && image?["newTag"]?.string == Version.current
            ? [] : ["kustomization: not the image of version \(Version.current)"]
    }

    private var environment: [(String, JSONValue)] {
        (manifest("config-map")["data"]?.members ?? [])
            + (manifest("secret.example")["stringData"]?.members ?? [])
    }

    private var settings: [String] {
        var findings = environment.map(\.0).filter { !Deployment.settings.contains($0) }.map {
            "no setting \($0)"
        }
        // A Service's variables would be taken for settings, and refused.
        if pod["enableServiceLinks"]?.bool != false { findings.append("service links are enabled") }
        let migrations = environment.first { $0.0 == SettingKey.migrationsDirectory.variable }?.1
        let data = deployment.imageEnvironment[SettingKey.dataDirectory.variable]
        let mounted = (container["volumeMounts"]?.array ?? []).compactMap {
            $0["mountPath"]?.string
        }
        for path in [migrations?.string, data] where !mounted.contains(path ?? "-") {
            findings.append("nothing is mounted at \(path ?? "")")
        }
        return findings
    }

    private var ports: [String] {
        let addresses = [("http", SettingKey.address), ("operations", .operationsAddress)]
        var findings = addresses.filter { name, key in
            let listens = deployment.imageEnvironment[key.variable]?.split(separator: ":").last
            return port(name).map(String.init) != listens.map(String.init)
        }.map { "the port \($0.0) is not the image's" }
        for service in services {
            for entry in service["spec", "ports"].array ?? [] {
                let target = entry["targetPort"]?.string ?? ""
                if port(target) == nil { findings.append("a Service leads to \(target)") }
            }
        }
        let allowed = (manifest("network-policy")["spec", "ingress"].array ?? []).flatMap {
            ($0["ports"]?.array ?? []).compactMap { $0["port"]?.string }
        }
        if Set(allowed) != ["http", "operations"] { findings.append("ports are not as allowed") }
        return findings
    }

    private func port(_ name: String) -> Int? {
        (container["ports"]?.array ?? []).first { $0["name"]?.string == name }?["containerPort"]?
            .int
    }

    private var probes: [String] {
        let expected = [("startup", "/startupz"), ("liveness", "/livez"), ("readiness", "/readyz")]
        return expected.filter { kind, path in
            let ask = container["\(kind)Probe", "httpGet"]
            return ask["path"]?.string != path || !paths.contains(path)
                || ask["port"]?.string != "operations"
        }.map { "\($0.0) is not asked at \($0.1)" }
    }
}

extension Cluster {
    private func number(_ key: SettingKey) -> Int? {
        environment.first { $0.0 == key.variable }?.1.string.flatMap { Int($0) }
    }

    /// What the instances take together of the database and of their nodes.
    private var budget: [String] {
        let instances = manifest("horizontal-pod-autoscaler")["spec", "maxReplicas"].int
        let surge = manifest("deployment")["spec", "strategy", "rollingUpdate", "maxSurge"].int
        let cores = container["resources", "requests", "cpu"]
        let request = cores.string ?? "\(cores.int ?? 0)"
        guard let instances, let surge, let pool = number(.poolMax), let loops = number(.loops)
        else { return ["nobody knows what the instances take"] }
        // One that drains has its connections still; two are for notifications and plans, and of
        // PostgreSQL's 100 three are for superusers.
        let taken = (instances + surge + 1) * (pool + 2)
        let thousandths =
            request.hasSuffix("m") ? Int(request.dropLast()) : Int(request).map { $0 * 1000 }
        let held = environment.first { $0.0 == SettingKey.httpHeldBytesMax.variable }?.1.string
        let memory = container["resources", "limits", "memory"].string
        return (Deployment.leavesRoom(held: held, memory: memory) ? [] : ["it may hold too much"])
            + (taken <= 97 ? [] : ["\(taken) connections are more than a PostgreSQL has"])
            + (thousandths.map { ($0 + 999) / 1000 } == loops
                ? [] : ["\(loops) loops are not the cores that it asks for"])
    }

    private var shutdown: [String] {
        let drain = environment.first { $0.0 == SettingKey.drainTimeout.variable }?.1.string
        let seconds = drain.flatMap { Int($0.dropLast()) }
        let pause = container["lifecycle", "preStop", "sleep", "seconds"].int
        guard let seconds, let pause else { return ["nobody waits before it is stopped"] }
        let patience = pod["terminationGracePeriodSeconds"]?.int ?? 30
        let rest = manifest("deployment")["spec", "minReadySeconds"].int ?? 0
        return (patience >= pause + seconds + 5 ? [] : ["killed before it has drained"])
            + (rest >= patience ? [] : ["the next one is stopped before one has drained"])
    }

    private var privileges: [String] {
        let user = pod["securityContext", "runAsUser"].int.map(String.init)
        let own = container["securityContext"] ?? .null
        return [
            (user == deployment.imageUser, "its user is not the image's"),
            (pod["securityContext", "runAsNonRoot"] == true, "it may be root"),
            (own["readOnlyRootFilesystem"] == true, "it can write to its image"),
            (own["allowPrivilegeEscalation"] == false, "it can gain privileges"),
            (own["capabilities", "drop"].strings == ["ALL"], "it has capabilities"),
            (container["resources", "limits", "memory"] != .null, "its memory has no limit"),
            (pod["automountServiceAccountToken"]?.bool == false, "it has a token"),
        ].filter { !$0.0 }.map(\.1)
    }

    /// Who chooses by labels finds what is meant.
    private var selectors: [String] {
        let chosen: [(String, JSONValue)] =
            [
                ("Deployment", manifest("deployment")["spec", "selector", "matchLabels"]),
                ("PodDisruptionBudget", disruption["spec", "selector", "matchLabels"]),
                ("NetworkPolicy", manifest("network-policy")["spec", "podSelector", "matchLabels"]),
                ("PodMonitor", podMonitor["spec", "selector", "matchLabels"]),
            ] + services.map { ("Service", $0["spec", "selector"]) }
        var findings = chosen.filter { !matches($0.1, labels) }.map { "\($0.0) chooses no pod" }
        let scaled = manifest("horizontal-pod-autoscaler")["spec", "scaleTargetRef", "name"]
        if scaled != manifest("deployment")["metadata", "name"] {
            findings.append("HorizontalPodAutoscaler scales nothing")
        }
        // Both would set the number, in turn.
        if manifest("deployment")["spec", "replicas"] != .null {
            findings.append("the number of instances is set twice")
        }
        return findings
    }

    private func matches(_ selector: JSONValue, _ labels: JSONValue) -> Bool {
        guard let wanted = selector.members, !wanted.isEmpty else { return false }
        return wanted.allSatisfy { labels[$0.0] == $0.1 }
    }

    private var disruption: JSONValue { manifest("pod-disruption-budget") }
    private var podMonitor: JSONValue { manifest("pod-monitor/pod-monitor") }

    private var scraping: [String] {
        let monitor = manifest("service-monitor")
        let service = services.first {
            matches(monitor["spec", "selector", "matchLabels"], $0["metadata", "labels"])
        }
        var findings = service == nil ? ["ServiceMonitor chooses no Service"] : []
        let served = (service?["spec", "ports"].array ?? []).compactMap { $0["name"]?.string }
        let scrapes = [
            (monitor, monitor["spec", "endpoints"][0], served),
            (podMonitor, podMonitor["spec", "podMetricsEndpoints"][0], ["operations"]),
        ]
        let token = SettingKey.operationsToken.variable
        for (monitor, scrape, names) in scrapes {
            let kind = monitor["kind"]?.string ?? ""
            let credentials = scrape?["authorization", "credentials"]
            let job = labels[monitor["spec", "jobLabel"].string ?? ""]?.string ?? ""
            let isRight = [
                names.contains(scrape?["port"]?.string ?? ""),
                paths.contains(scrape?["path"]?.string ?? ""), job.hasPrefix("lucarne"),
                credentials?["key"]?.string == token,
                credentials?["name"] == manifest("secret.example")["metadata", "name"],
                environment.contains { $0.0 == token },
            ]
            if !isRight.allSatisfy(\.self) { findings.append("\(kind) does not scrape lucarne") }
        }
        // What a kustomization says of its resources, it does not say of a component's.
        let shared = manifest("kustomization")
        let isAmongThem =
            podMonitor["metadata", "namespace"] == shared["namespace"]
            && matches(shared["labels"]?[0]?["pairs"] ?? .null, podMonitor["metadata", "labels"])
        return findings + (isAmongThem ? [] : ["PodMonitor is not where the others are"])
    }
}
