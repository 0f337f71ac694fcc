// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Lucarne

/// What users depend on, as it was when somebody last looked at it: a change shows in the diff.
@Suite struct GoldenTests {
    @Test(arguments: ["config.txt", "config.postgrest.txt", "help.txt"])
    func `what is printed is what was agreed`(name: String) throws {
        let path =
            "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
            + "/Golden/" + name
        let expected = try Files.readText(path)
        #expect(try printed(name) == expected, "if this is on purpose, change Golden/\(name)")
    }

    private func printed(_ name: String) throws -> String {
        if name == "help.txt" { return Help.text }
        var invocation = Invocation(command: .config)
        if name == "config.postgrest.txt" { invocation.configFile = "postgrest.conf" }
        let surroundings = Configuration.Surroundings(variables: [:]) {
            $0 == "postgrest.conf" ? "db-anon-role = \"web_anon\"\n" : nil
        }
        return try Configuration.load(invocation, from: surroundings, generatingSecrets: false)
            .reportText
    }
}
