// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A program that was run to its end.
package struct Command {
    package let status: Int32
    package let output: String
    package let errors: String

    package static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) throws -> Command {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let path = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
        process.environment = path.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        let errors = NSTemporaryDirectory() + "lucarne-errors-\(UInt64.random(in: 0 ... .max))"
        _ = FileManager.default.createFile(atPath: errors, contents: nil)
        defer { try? FileManager.default.removeItem(atPath: errors) }
        process.standardOutput = output
        process.standardError = FileHandle(forWritingAtPath: errors)
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Command(
            status: process.terminationStatus,
            output: String(decoding: text, as: UTF8.self),
            errors: (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
        )
    }

    /// One of the clients in Tests/Clients, in the virtual environment that `make test` makes.
    package static func client(_ name: String, _ arguments: String...) throws -> Command {
        try run(Repository.python, ["\(Repository.root)/Tests/Clients/\(name).py"] + arguments)
    }
}
