// SPDX-License-Identifier: Apache-2.0

// Swift scopes imports to a file, so a file that does not import a module cannot use it: these
// lists are the architecture.

let groups = ["System", "Toolkit", "Core", "Features", "App"]

/// Where each module lives.
let groupOfModule: [String: String] = [
    "CLinux": "System", "CLibpq": "System", "CZlib": "System", "COpenSSL": "System",
    "CCrypt": "System",
    "JSONCoding": "Toolkit", "Cryptography": "Toolkit", "Compression": "Toolkit",
    "Telemetry": "Toolkit", "EventLoop": "Toolkit", "HTTPServer": "Toolkit",
    "PostgresClient": "Toolkit", "Profiling": "Toolkit",
    "LucarneCore": "Core", "QueryPlanner": "Core", "Endpoints": "Core", "Persistence": "Core",
    "Rest": "Features", "Operations": "Features", "Monitoring": "Features",
    "Lucarne": "App", "LucarneCLI": "App",
]

/// What a module may import of its own group.
private let neighbours: [String: Set<String>] = [
    "Cryptography": ["JSONCoding"],
    "Telemetry": ["JSONCoding", "Compression"],
    "Profiling": ["Telemetry"],
    "HTTPServer": ["EventLoop", "Telemetry", "Compression"],
    "PostgresClient": ["EventLoop", "Telemetry"],
    "Endpoints": ["LucarneCore"],
    "Persistence": ["LucarneCore"],
    "LucarneCLI": ["Lucarne"],
]

/// Each C library comes through one door.
private let doors: [String: Set<String>] = [
    "CLibpq": ["PostgresClient"],
    "CZlib": ["Compression"],
    "COpenSSL": ["Cryptography"],
    "CCrypt": ["Cryptography"],
]

private let forbiddenBySuffix: [(suffix: String, modules: Set<String>)] = [
    ("Controller.swift", ["Persistence", "PostgresClient"]),
    ("Service.swift", ["Endpoints", "HTTPServer", "Persistence", "PostgresClient"]),
    ("Repository.swift", ["Endpoints", "HTTPServer"]),
]

private let systemModules: Set<String> = [
    "Glibc", "Synchronization", "Dispatch", "Foundation", "FoundationEssentials",
    "FoundationNetworking",
]

let layerRules = [
    Rule(name: "a layer imports only its own business") { file in
        guard file.group == "Features",
            let rule = forbiddenBySuffix.first(where: { file.name.hasSuffix($0.suffix) })
        else { return [] }
        return file.imports.filter(rule.modules.contains).map {
            "\(file.path) imports \($0): a file called …\(rule.suffix) has no business with it"
        }
    },
    Rule(name: "a group imports only groups below it, and a feature never another feature") {
        file in
        guard let module = file.module, let group = file.group else { return [] }
        return file.imports.compactMap { imported in
            guard let other = groupOfModule[imported] else { return nil }
            if let users = doors[imported], !users.contains(module) {
                return "\(file.path) imports \(imported): only \(users.sorted()) may"
            }
            guard let mine = groups.firstIndex(of: group),
                let theirs = groups.firstIndex(of: other)
            else { return "\(file.path) is in no known group" }
            let allowed =
                theirs < mine || imported == module
                || (neighbours[module] ?? []).contains(imported)
            return allowed ? nil : "\(file.path) imports \(imported), which is not below it"
        }
    },
    Rule(name: "every import is known") { file in
        guard file.module != nil else { return [] }
        return file.imports.filter {
            groupOfModule[$0] == nil && !systemModules.contains($0)
        }.map { "\(file.path) imports \($0): list it in LayerRules.swift, in its group" }
    },
    Rule(name: "no Foundation under the hot path") { file in
        guard file.group == "Toolkit", file.imports.contains("Foundation") else { return [] }
        return ["\(file.path) imports Foundation: FoundationEssentials where needed, Glibc else"]
    },
]
