// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@Suite struct TidyTests {
    @Test(arguments: Rule.all)
    func `every file keeps the rule`(rule: Rule) {
        let findings = Repository.files.flatMap(rule.findings)
        #expect(findings.isEmpty, "\(findings.joined(separator: "\n"))")
    }

    @Test func `the rules look at the whole package`() {
        #expect(Repository.files.count > 150)
        #expect(Repository.files.contains { $0.path == "Package.swift" })
        #expect(Repository.files.contains { $0.name == "TidyTests.swift" })
    }

    @Test func `the package depends on no package`() {
        let manifest = CodeText(Repository.text(of: "Package.swift")).lines.joined(separator: "\n")
        #expect(!manifest.contains(".package("))
        #expect(!FileManager.default.fileExists(atPath: Repository.root.path + "/Package.resolved"))
    }

    @Test func `every module of the package is in a group`() throws {
        let folders = try groups.flatMap { group in
            try FileManager.default.contentsOfDirectory(
                atPath: Repository.root.appending(path: "Sources/\(group)").path
            ).map { ($0, group) }
        }
        let found = Dictionary(folders) { first, _ in first }
        #expect(found == groupOfModule)
    }

    @Test func `lists of exceptions only shrink`() {
        let files = Set(Repository.files.map(\.path))
        #expect(uncheckedFiles.subtracting(files).isEmpty)
        let stillOver = Repository.files.flatMap { file in
            [(file.path, file.codeLineCount > Limit.fileLines)]
                + file.functions.map {
                    ("\(file.path): \($0.name)", $0.codeLineCount > Limit.functionLines)
                }
        }.filter(\.1).map(\.0)
        #expect(ratchet.subtracting(stillOver).isEmpty)
    }
}
