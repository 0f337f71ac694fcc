// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// A Loki with the configuration that ships, in a folder and on ports of its own; it can be started
/// again where it was.
final class LokiProcess: @unchecked Sendable {
    struct Record {
        /// Nanoseconds.
        var time: Int
        var line: String
        /// Of the stream, and the record's own.
        var labels: [String: String]
    }

    static let program = ProcessInfo.processInfo.environment["LOKI"].flatMap {
        FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil
    }
    static let configuration = Repository.root + "/deploy/loki/loki.yml"

    private let directory = NSTemporaryDirectory() + "lucarne-loki-\(UInt64.random(in: 0 ... .max))"
    private let port = Int.random(in: 20_000..<31_000)
    private let limits: [String]
    /// With one, nobody is served who does not name it.
    private let tenant: String?
    private var process: Process?

    var base: String { "http://127.0.0.1:\(port)" }
    var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
    private var log: String { directory + "/output" }

    init(isStarted: Bool = true, limits: [String] = [], tenant: String? = nil) throws {
        self.limits = limits + (tenant == nil ? [] : ["-auth.enabled=true"])
        self.tenant = tenant
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        if isStarted { try start() }
    }

    deinit {
        kill()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Only where it is and who can reach it differ from what ships.
    func start() throws {
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.program))
        process.arguments =
            [
                "-config.file=\(Self.configuration)", "-server.http-listen-port=\(port)",
                "-server.http-listen-address=127.0.0.1", "-server.grpc-listen-port=\(port + 1)",
                "-server.grpc-listen-address=127.0.0.1", "-common.path-prefix=\(directory)",
                "-common.storage.filesystem.chunk-directory=\(directory)/chunks",
                "-common.storage.filesystem.rules-directory=\(directory)/rules",
                "-compactor.working-directory=\(directory)/compactor",
            ] + limits
        let file = try #require(FileHandle(forWritingAtPath: log))
        file.seekToEndOfFile()
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try process.run()
        self.process = process
        let isUp = try eventually(within: 60) {
            try !process.isRunning || get("/loki/api/v1/labels").contains("success")
        }
        try #require(isUp && process.isRunning, "\(output)")
    }

    func signal(_ signal: Int32) {
        if let process, process.isRunning { Foundation.kill(process.processIdentifier, signal) }
    }

    func kill() {
        signal(SIGKILL)
        process?.waitUntilExit()
    }

    func get(_ path: String, _ query: [String: String] = [:]) throws -> String {
        let encoded = query.flatMap { ["--data-urlencode", "\($0)=\($1)"] }
        let named = tenant.map { ["-H", "X-Scope-OrgID: \($0)"] } ?? []
        let arguments = ["curl", "-s", "-G", "--max-time", "20", base + path] + encoded + named
        return try Command.run("/usr/bin/env", arguments).output
    }

    private func data<Answer: Decodable>(
        _ path: String,
        _ query: [String: String]
    ) throws -> Answer {
        let body = try get(path, query)
        return try #require(
            try? JSONDecoder().decode(Envelope<Answer>.self, from: Data(body.utf8)).data,
            "\(body)"
        )
    }

    func series() throws -> [[String: String]] {
        try data("/loki/api/v1/series", ["match[]": Self.everything, "since": "1h"])
    }

    /// As Loki counts them.
    func count() throws -> Int {
        struct Vector: Decodable {
            struct Sample: Decodable {
                var value: [Number]
            }
            /// A time, or a value in quotes.
            enum Number: Decodable {
                case time, value(Int)
                init(from decoder: any Decoder) throws {
                    let text = try? decoder.singleValueContainer().decode(String.self)
                    self = text.flatMap { Int($0) }.map { .value($0) } ?? .time
                }
            }
            var result: [Sample]
        }
        let query = "sum(count_over_time(\(Self.everything)[1h]))"
        let vector: Vector = try data("/loki/api/v1/query", ["query": query])
        if case .value(let count)? = vector.result.first?.value.last { return count }
        return 0
    }

    /// All of them, oldest first.
    func records() throws -> [Record] {
        struct Streams: Decodable {
            struct Stream: Decodable {
                var stream: [String: String]
                var values: [[String]]
            }
            var result: [Stream]
        }
        let pageSize = 1_000
        var all: [Record] = []
        var start = Int(Date().timeIntervalSince1970 - 3_600) * 1_000_000_000
        while true {
            let streams: Streams = try data(
                "/loki/api/v1/query_range",
                [
                    "query": Self.everything, "direction": "forward", "limit": "\(pageSize)",
                    "start": "\(start)",
                    "end": "\(Int(Date().timeIntervalSince1970 + 60) * 1_000_000_000)",
                ]
            )
            let page = streams.result.flatMap { stream in
                stream.values.map { value in
                    Record(time: Int(value[0]) ?? 0, line: value[1], labels: stream.stream)
                }
            }
            // Streams come one after the other; records of the page's last instant come again.
            let last = page.map(\.time).max() ?? 0
            let isWhole = page.count < pageSize
            all += page.filter { isWhole || $0.time < last }.sorted { $0.time < $1.time }
            if isWhole { return all }
            start = last
        }
    }

    private static let everything = #"{service_name="lucarne"}"#
}

private struct Envelope<Answer: Decodable>: Decodable { var data: Answer }
