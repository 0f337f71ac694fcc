// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Lucarne
import Support
import Testing

@Suite struct ClusterTests {
    @Test func `Kubernetes and the Prometheus operator accept each manifest`() throws {
        let files = Deployment.found(in: Cluster.folder).filter {
            !$0.hasSuffix("kustomization.yaml")
        }
        let script = "\(Repository.root)/Tests/Clients/manifests.py"
        let run = try Command.run(
            "/usr/bin/env",
            ["-C", Repository.root, Repository.python, script] + files
        )
        #expect(run.status == 0, "\(run.output)\(run.errors)")
        #expect(run.output.contains("dashboards.yaml: 9 looked at"))
    }

    @Test func `manifests, image and program speak of the same things`() throws {
        let findings = try Cluster(deployment: Deployment(), paths: Deployment.servedPaths).findings
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test(arguments: mistakes)
    func `a mistake in the manifests is found`(mistake: Mistake) throws {
        let cluster = try Cluster(
            deployment: Deployment(mistake.change),
            paths: Deployment.servedPaths
        )
        let findings = cluster.findings
        #expect(
            findings.contains { $0.contains(mistake.finding) },
            "\(findings.joined(separator: "\n"))"
        )
    }

    @Test(arguments: ["LUCARNE_JWT_SECRET", "LUCARNE_OPERATIONS_TOKEN"])
    func `nothing starts with a secret of the example`(name: String) throws {
        let example = try Deployment().file("\(Cluster.folder)/secret.example.yaml")
        let secret = "4f6e8a1c-0b7d-4c55-9d3e-a2b8c7d6e5f4-and-more"
        var variables = [
            "LUCARNE_ENVIRONMENT": "production", "LUCARNE_JWT_SECRET": secret,
            "LUCARNE_OPERATIONS_TOKEN": secret,
        ]
        func start() throws {
            let none = Configuration.Surroundings(variables: variables) { _ in nil }
            _ = try Configuration.load(try Invocation(parsing: ["serve"]), from: none)
        }
        try start()
        variables[name] = example["stringData", name].string
        #expect(variables[name] != nil)
        #expect(throws: ConfigurationFailure.self) { try start() }
    }

    @Test(arguments: ["/startupz", "/livez", "/readyz", "/metrics"])
    func `a path that the program lost is found`(path: String) throws {
        let paths = Deployment.servedPaths.subtracting([path])
        #expect(try !Cluster(deployment: Deployment(), paths: paths).findings.isEmpty)
    }

    private static func mistake(
        _ name: String,
        _ old: String,
        _ new: String,
        _ finding: String
    ) -> Mistake {
        Mistake("\(Cluster.folder)/\(name).yaml", old, new, finding)
    }

    private static let mistakes = [
        mistake("kustomization", "- service.yaml\n", "", "service.yaml is not listed"),
        mistake("kustomization", "- service.yaml", "- services.yaml", "there is no services.yaml"),
        mistake("kustomization", "newTag: ", "newTag: 9.", "not the image of version"),
        mistake("config-map", "LUCARNE_POOL_MAX", "LUCARNE_POOLS", "no setting LUCARNE_POOLS"),
        mistake("config-map", "/migrations", "/sql", "nothing is mounted at /sql"),
        mistake("config-map", "25s", "60s", "killed before it has drained"),
        mistake("config-map", #"_POOL_MAX: "10""#, #"_POOL_MAX: "11""#, "104 connections are"),
        mistake("config-map", "64MiB", "65MiB", "it may hold too much"),
        mistake("config-map", #"_LOOPS: "1""#, #"_LOOPS: "2""#, "2 loops are not the cores"),
        mistake("deployment", "cpu: 500m", "cpu: 2", "1 loops are not the cores"),
        mistake("deployment", "maxSurge: 1", "maxSurge: 2", "108 connections are"),
        mistake("horizontal-pod-autoscaler", "Replicas: 6", "Replicas: 7", "108 connections are"),
        mistake("deployment", "enableServiceLinks: false", "hostPID: true", "service links"),
        mistake("deployment", "mountPath: /var", "mountPath: /x", "mounted at /var/lib/lucarne"),
        mistake("deployment", "containerPort: 8080", "containerPort: 80", "port http is not"),
        mistake("deployment", "containerPort: 9464", "containerPort: 9090", "operations is not"),
        mistake("deployment", "path: /livez", "path: /healthz", "liveness is not asked"),
        mistake("deployment", "path: /readyz", "path: /livez", "readiness is not asked"),
        mistake("deployment", "port: operations", "port: http", "startup is not asked"),
        mistake("deployment", "ReadySeconds: 40", "ReadySeconds: 9", "the next one is stopped"),
        mistake("deployment", "preStop:", "postStart:", "nobody waits before"),
        mistake("deployment", "runAsUser: 10001", "runAsUser: 1", "its user is not the image's"),
        mistake("deployment", "runAsNonRoot: true", "runAsNonRoot: false", "it may be root"),
        mistake("deployment", "readOnlyRoot", "writeOnlyRoot", "it can write to its image"),
        mistake("deployment", "[ALL]", "[CHOWN]", "it has capabilities"),
        mistake("deployment", "limits:", "claims:", "its memory has no limit"),
        mistake("deployment", "  strategy:", "  replicas: 3\n  strategy:", "is set twice"),
        mistake("service", "targetPort: http", "targetPort: web", "a Service leads to web"),
        mistake("service", "component: operations", "component: api", "chooses no Service"),
        mistake("network-policy", "- port: http", "- port: 80", "ports are not as allowed"),
        mistake("network-policy", "/name: lucarne", "/name: other", "NetworkPolicy chooses no"),
        mistake("pod-disruption-budget", "/name: lu", "/name: du", "Budget chooses no pod"),
        mistake("horizontal-pod-autoscaler", "    name: l", "    name: d", "scales nothing"),
        mistake("service-monitor", "path: /metrics", "path: /stats", "ServiceMonitor does not"),
        mistake("service-monitor", "_TOKEN", "_PASSWORD", "ServiceMonitor does not scrape"),
        mistake("service-monitor", "jobLabel: app", "jobLabel: job", "ServiceMonitor does not"),
        mistake("pod-monitor/pod-monitor", "port: operations", "port: http", "PodMonitor does not"),
        mistake("pod-monitor/pod-monitor", "namespace: l", "namespace: d", "not where the others"),
        mistake("pod-monitor/pod-monitor", "part-of: l", "part-of: d", "not where the others"),
    ]
}
