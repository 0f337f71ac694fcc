// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

/// What a checkout has to do its work with: itself, and what it is told.
@Suite struct ScriptTests {
    @Test func `no script looks beside the repository`() throws {
        let files = ["scripts", "Benchmarks", ".ci"].flatMap(Repository.files) + ["Makefile"]
        for file in files where file.firstMatch(of: /Telemetry|__pycache__/) == nil {
            let found = try Repository.text(of: file).firstMatch(of: /\.\.\/[a-z]+/)
            #expect(found == nil, "\(file): \(found?.0 ?? "")")
        }
    }

    @Test(arguments: [([], 0, "skipped: CASES names no file"), (["/nowhere/a"], 2, "there is no")])
    func `conformance needs cases, and says so`(
        arguments: [String],
        status: Int32,
        message: String
    ) throws {
        let run = try Command.run("\(Repository.root)/scripts/conformance", arguments)
        #expect(run.status == status && run.errors.hasPrefix(message), "\(run.errors)")
    }

    /// On a machine that has none of the packages, and refuses to have any.
    @Test(arguments: ["conformance", "sdk", "loki"])
    func `what is skipped installs nothing`(target: String) throws {
        let folder = NSTemporaryDirectory() + "lucarne-bare-\(UInt64.random(in: 0 ... .max))"
        let files = FileManager.default
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: folder) }
        for name in ["dpkg-query", "apt-get", "sudo"] {
            let program = "#!/bin/sh\nexit 3\n"
            try program.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
            try files.setAttributes(
                [.posixPermissions: 0o755],
                ofItemAtPath: "\(folder)/\(name)"
            )
        }
        let run = try Command.run(
            "/usr/bin/env",
            ["make", "-C", Repository.root, target],
            environment: [
                "PATH": "\(folder):/usr/bin:/bin", "SUPABASE_PY": "/nowhere", "LOKI": "/nowhere",
            ]
        )
        #expect(run.status == 0 && run.errors.hasPrefix("skipped: "), "\(run.errors)")
    }
}
