// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Lucarne

@Suite struct SettingFileTests {
    @Test func `line ends of another system end lines`() throws {
        let file =
            "# x\r\nLUCARNE_LOOPS=2\r\nLUCARNE_POOL_MAX=\"4\"\r\nLUCARNE_REST_DB_SCHEMAS=a\r\n"
        let configuration = try load(files: [".env": file])
        #expect(configuration.loops == 2)
        #expect(configuration.database.poolMax == 4)
        #expect(configuration.values[.poolMax]?.source == .file(".env", line: 3))
        #expect(configuration.values.text(.restSchemas) == "a")
    }

    @Test(arguments: ["", "\n", "\r\n"])
    func `a secret's file may end its line, in any system's way`(end: String) throws {
        let scratch = Scratch()
        let path = scratch.path + "/secret"
        try Files.create(path, Array((strongSecret + end).utf8), mode: 0o600)
        let configuration = try load(["--jwt-secret=@\(path)"])
        #expect(configuration.tokens.secret?.plain == Array(strongSecret.utf8))
        #expect(try Files.list(scratch.path) == ["secret"])
    }

    @Test(arguments: ["operations-token", "jwt-secret", "database-url"], ["", "\n", " \r\n"])
    func `an empty file is no secret`(setting: String, contents: String) throws {
        let scratch = Scratch()
        let path = scratch.path + "/secret"
        try Files.create(path, Array(contents.utf8), mode: 0o600)
        let message = "cannot read \(path): it is empty"
        #expect(failure { try load(["--\(setting)=@\(path)"]) } == message)
    }

    @Test func `what a crash left of development's secret is not taken for one`() throws {
        let scratch = Scratch()
        let secret = try SigningSecret.generated(in: scratch.path)
        #expect(try SigningSecret.generated(in: scratch.path) == secret)
        let path = SigningSecret.path(in: scratch.path)
        Files.remove(path)
        try Files.create(path, [], mode: 0o600)
        let message = "cannot read \(path): it is empty"
        #expect(failure { try load(["--data-directory", scratch.path]) } == message)
    }
}
