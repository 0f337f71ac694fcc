// SPDX-License-Identifier: Apache-2.0
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
}
