// SPDX-License-Identifier: Apache-2.0
import Foundation
import HTTPServer
import JSONCoding
import Lucarne
import Operations
import Support
import Telemetry
import Testing

/// What ships to run Lucarne with, as it is written: YAML files by their path.
struct Deployment {
    /// A text in a file, and another in its place.
    struct Change: Sendable {
        var file: String
        var old: String
        var new: String
    }

    let documents: [String: [JSONValue]]
    /// What the image sets, and whom it runs as.
    let imageEnvironment: [String: String]
    let imageUser: String

    init(_ change: Change? = nil) throws {
        let change = change.map { ["--change", $0.file, $0.old, $0.new] } ?? []
        let script = "\(Repository.root)/Tests/Clients/yaml_as_json.py"
        let run = try Command.run(
            "/usr/bin/env",
            ["-C", Repository.root, Repository.python, script] + change + Self.files
        )
        try #require(run.status == 0, "\(run.errors)")
        let parsed = try JSONValue(parsing: Array(run.output.utf8))
        documents = Dictionary(
            uniqueKeysWithValues: (parsed.members ?? []).map { ($0.0, $0.1.array ?? []) }
        )
        let image = try Repository.text(of: "Dockerfile")
        let variables = image.matches(of: /\b(LUCARNE_[A-Z_]+)=(\S+)/)
        imageEnvironment = Dictionary(
            uniqueKeysWithValues: variables.map { (String($0.1), String($0.2)) }
        )
        imageUser = image.firstMatch(of: /\nUSER ([0-9]+)/).map { String($0.1) } ?? ""
    }

    /// The only document of a file.
    func file(_ path: String) -> JSONValue { documents[path]?.first ?? .null }

    static let files =
        [
            "docker-compose.yml", "prometheus/prometheus.yml", "prometheus/alertmanager.yml",
            "deploy/loki/loki.yml",
        ] + found(in: "deploy/grafana/provisioning")
        + found(in: "deploy/kubernetes").filter { !$0.hasSuffix("/dashboards.yaml") }

    static func found(in folder: String) -> [String] {
        Repository.files(in: folder).filter { $0.hasSuffix(".yml") || $0.hasSuffix(".yaml") }
    }

    /// Names of all settings.
    static let settings = Set(Setting.all.map(\.key.variable))

    /// What the operations listener answers, by the program's own table.
    static let servedPaths: Set<String> = {
        var configuration = TelemetryConfiguration()
        configuration.log.sinks = []
        let telemetry = Telemetry(configuration)
        defer { telemetry.logs.close() }
        return Set(Operations(telemetry: telemetry).routes.map(\.template))
    }()

    /// Whether what is held of requests and answers is a quarter of the memory, at most: both as
    /// they are written, in powers of two.
    static func leavesRoom(held: String?, memory: String?) -> Bool {
        let sizes = [held, memory].compactMap { text -> Int? in
            let parts = text?.wholeMatch(of: /(\d+)([KkMmGg])?i?B?/)
            let units: [Substring?: Int] = [nil: 0, "K": 10, "k": 10, "M": 20, "m": 20]
            return parts.flatMap { Int($0.1) }.map { $0 << (units[parts?.2] ?? 30) }
        }
        return sizes.count == 2 && sizes[0] * 4 <= sizes[1]
    }

    static func exists(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(Repository.root)/\(path)")
    }
}

extension JSONValue {
    /// The texts of an array.
    var strings: [String] { (array ?? []).compactMap(\.string) }

    /// `value["a", "b", "c"]`, and null where one is missing.
    subscript(_ first: String, _ second: String, _ more: String...) -> JSONValue {
        ([first, second] + more).reduce(self) { $0[$1] ?? .null }
    }
}

/// A mistake in a file, and the words by which it is found.
struct Mistake: Sendable, CustomTestStringConvertible {
    var change: Deployment.Change
    var finding: String

    init(_ file: String, _ old: String, _ new: String, _ finding: String) {
        change = Deployment.Change(file: file, old: old, new: new)
        self.finding = finding
    }

    var testDescription: String { "\(change.file): \(change.old) → \(change.new)" }
}
