// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// What curl saw. Status 0: no answer.
struct Reply {
    var status = 0
    var headers: [String: String] = [:]
    var body = ""
}

extension LucarneProcess {
    func get(_ path: String, _ arguments: String..., bearer: String? = nil) throws -> Reply {
        try get(path, arguments, bearer: bearer)
    }

    func get(_ path: String, _ arguments: [String], bearer: String? = nil) throws -> Reply {
        let authorization = bearer.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
        let run = try Command.run(
            "/usr/bin/env",
            ["curl", "-s", "-i", "-g", "--max-time", "20", base + path] + authorization + arguments
        )
        return Reply(curl: run.output)
    }

    /// The value of one series, and 0 where it is not exposed (yet).
    func metric(_ name: String, _ labels: String...) throws -> Double {
        try get("/metrics").body.split(separator: "\n").filter { line in
            (line.hasPrefix(name + "{") || line.hasPrefix(name + " "))
                && labels.allSatisfy(line.contains)
        }.compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }
}

extension Reply {
    /// The last head and the body of `curl -i`.
    init(curl text: String) {
        let text = text.replacing("\r\n", with: "\n")
        guard let gap = text.firstRange(of: "\n\n") else { return }
        let lines = text[..<gap.lowerBound].split(separator: "\n")
        let words = lines.first?.split(separator: " ") ?? []
        status = words.count > 1 ? Int(words[1]) ?? 0 : 0
        body = String(text[gap.upperBound...])
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...]
                .trimmingCharacters(in: .whitespaces)
        }
    }
}

/// A database of its own on the shared server of this test process.
struct Database {
    let server: PostgresServer
    let name: String

    init(on server: PostgresServer? = nil) throws {
        self.server = try server ?? PostgresServer.shared.get()
        name = "acceptance_\(UInt32.random(in: 0 ... .max))"
        try self.server.psql("create database \(name)")
    }

    var connection: String { server.connection(database: name) }

    @discardableResult
    func psql(_ sql: String) throws -> String { try server.psql(sql, database: name) }
}

/// One at a time: each of these starts servers, and some look at the clock.
@Suite(.serialized, .timeLimit(.minutes(10))) enum AcceptanceTests {}
