// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// A server of Debian's in a folder of its own; it ends with this object.
final class Daemon: @unchecked Sendable {
    let directory: String
    let port: Int
    private let process = Process()

    var base: String { "http://127.0.0.1:\(port)" }
    var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
    private var log: String { directory + "/output" }

    /// `files` are written to the folder, and `arguments` are what follows from it and the port.
    init(
        _ program: String,
        files: [String: String],
        _ arguments: (_ directory: String, _ port: Int) -> [String]
    ) throws {
        directory =
            NSTemporaryDirectory()
            + "lucarne-\(URL(filePath: program).lastPathComponent)-\(UInt64.random(in: 0 ... .max))"
        port = .random(in: 20_000..<32_000)
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        for (name, text) in files {
            try text.write(toFile: "\(directory)/\(name)", atomically: true, encoding: .utf8)
        }
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [program] + arguments(directory, port)
        process.currentDirectoryURL = URL(filePath: directory)
        let file = try #require(FileHandle(forWritingAtPath: log))
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try process.run()
    }

    deinit {
        // Not asked politely: it may have inherited a mask that blocks SIGTERM.
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    func get(_ path: String, _ arguments: [String] = []) throws -> Reply {
        let run = try Command.run(
            "/usr/bin/env",
            ["curl", "-s", "-i", "-g", "--max-time", "20", base + path] + arguments
        )
        return Reply(curl: run.output)
    }

    /// Waits until the path answers with 200.
    func ready(_ path: String) throws -> Daemon {
        let isReady = try eventually(within: 30) { try get(path).status == 200 }
        try #require(isReady, "\(output)")
        return self
    }
}

extension Daemon {
    /// A Prometheus as it ships, which scrapes the server and looks at the rules every second.
    /// `other` stands for one more instance; `alerts`: other alerting rules than those that ship.
    static func prometheus(
        scraping server: LucarneProcess,
        and other: Daemon? = nil,
        namespace: String? = nil,
        features: [String] = [],
        alertmanager: Daemon? = nil,
        alerts: String? = nil
    ) throws -> Daemon {
        let ports = [server.port] + (other.map { [$0.port] } ?? [])
        // Nobody listens on port 1: alerts fire unheard.
        let configuration = try Repository.text(of: "prometheus/prometheus.yml")
            .replacing(": 15s", with: ": 1s")
            .replacing(
                "lucarne:9464",
                with: ports.map { "127.0.0.1:\($0)" }.joined(separator: ", ")
            )
            .replacing("alertmanager:9093", with: "127.0.0.1:\(alertmanager?.port ?? 1)")
            .replacing("rules/", with: "")
        // As an operator attaches it; the last line is that of the targets.
        let label = namespace.map { "        labels: {namespace: \($0)}\n" } ?? ""
        let rules = "prometheus/rules"
        let files = [
            "prometheus.yml": configuration + label,
            "recording.yml": try Repository.text(of: "\(rules)/recording.yml")
                .replacing("interval: 2m", with: "interval: 1s"),
            "alerts.yml": try alerts ?? Repository.text(of: "\(rules)/alerts.yml"),
        ]
        return try Daemon("prometheus", files: files) {
            [
                "--config.file=\($0)/prometheus.yml", "--storage.tsdb.path=\($0)/data",
                "--web.listen-address=127.0.0.1:\($1)", "--storage.tsdb.retention.time=2h",
                "--enable-feature=\((["exemplar-storage"] + features).joined(separator: ","))",
            ]
        }.ready("/-/ready")
    }
}
