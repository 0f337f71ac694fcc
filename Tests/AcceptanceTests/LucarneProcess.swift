// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// The binary that was built, running in a folder of its own; it ends with this object.
final class LucarneProcess: @unchecked Sendable {
    static let secret = "acceptance-secret-of-more-than-32-bytes"

    let directory: String
    let port: Int
    private let process = Process()

    var base: String { "http://127.0.0.1:\(port)" }
    var processID: Int32 { process.processIdentifier }
    var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
    private var log: String { directory + "/output" }

    /// `connection`: the database to serve; nil for the embedded one. `migration`: the SQL of its only
    /// one, 0001_slow.sql, instead of the demo's.
    init(
        _ arguments: [String] = [],
        connection: String?,
        port: Int = .random(in: 20_000..<32_000),
        migration: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        directory = NSTemporaryDirectory() + "lucarne-acceptance-\(UInt64.random(in: 0 ... .max))"
        self.port = port
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true
        )
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        // As most shells have it: a server for thousands has to help itself to more.
        process.executableURL = URL(filePath: "/bin/bash")
        let start = "ulimit -Sn 1024; exec \"$0\" \"$@\""
        process.arguments = ["-c", start, Repository.binary.path] + arguments
        process.currentDirectoryURL = URL(filePath: directory)
        var variables = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
            "LUCARNE_ADDRESS": "127.0.0.1:\(port)", "LUCARNE_JWT_SECRET": Self.secret,
            "LUCARNE_MIGRATIONS_DIRECTORY": Repository.root + "/docs/demo/migrations",
            "LUCARNE_LOOPS": "2",
        ]
        variables["DATABASE_URL"] = connection
        if let migration {
            let folder = directory + "/migrations"
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: false
            )
            try migration.write(
                toFile: folder + "/0001_slow.sql",
                atomically: true,
                encoding: .utf8
            )
            variables["LUCARNE_MIGRATIONS_DIRECTORY"] = folder
        }
        process.environment = variables.merging(environment) { $1 }
        let file = try #require(FileHandle(forWritingAtPath: log))
        process.standardOutput = file
        process.standardError = file
        process.standardInput = FileHandle.nullDevice
        try Self.blockingNoSignals { try process.run() }
    }

    /// As a shell starts it: Dispatch's threads block signals, and their children with them.
    private static func blockingNoSignals(_ body: () throws -> Void) rethrows {
        var none = sigset_t()
        var former = sigset_t()
        _ = unsafe sigemptyset(&none)
        _ = unsafe pthread_sigmask(SIG_SETMASK, &none, &former)
        defer { _ = unsafe pthread_sigmask(SIG_SETMASK, &former, nil) }
        try body()
    }

    deinit {
        if process.isRunning { kill(processID, SIGKILL) }
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// A server that is ready.
    static func serving(
        _ arguments: [String] = [],
        connection: String?,
        environment: [String: String] = [:]
    ) throws -> LucarneProcess {
        let server = try LucarneProcess(
            ["serve"] + arguments,
            connection: connection,
            environment: environment
        )
        let isReady = try eventually(within: 30) {
            guard server.process.isRunning else { return true }
            return try server.get("/readyz").status == 200
        }
        try #require(isReady && server.process.isRunning, "\(server.output)")
        return server
    }

    func signal(_ signal: Int32) { kill(processID, signal) }

    /// The exit code, or nil when it is still running after so many seconds.
    func exitCode(within seconds: Double = 15) throws -> Int32? {
        let ended = try eventually(within: seconds) { !process.isRunning }
        return ended ? process.terminationStatus : nil
    }

    /// Its log records, each a JSON object, but for one that is still being written.
    func records() throws -> [[String: Any]] {
        let lines = output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        return try lines.filter { $0.hasPrefix("{") }.map {
            try #require(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    func token(
        role: String,
        subject: String? = nil,
        signedBy secret: String = LucarneProcess.secret
    ) throws -> String {
        let subject = subject.map { ["--subject", $0] } ?? []
        let run = try Command.run(
            Repository.binary.path,
            ["token", "--role", role] + subject,
            environment: ["LUCARNE_JWT_SECRET": secret]
        )
        try #require(run.status == 0, "\(run.errors)")
        return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Asks again until the answer is yes; false when it was not for so long. The pauses are counted
/// and no clock, so that a machine which stands still for a while takes nothing of the time.
func eventually(within seconds: Double, _ condition: () throws -> Bool) throws -> Bool {
    let pause = 0.02
    for _ in 0..<Int(seconds / pause) {
        if try condition() { return true }
        usleep(UInt32(pause * 1_000_000))
    }
    return try condition()
}
