// SPDX-License-Identifier: Apache-2.0
import QueryPlanner
import Testing

@testable import Lucarne

@Suite struct MigrationTests {
    private let first = Migration(name: "0001_a.sql", sql: "SELECT 1;\n")
    private let second = Migration(name: "0002_b.sql", sql: "SELECT 2;\n")
    private let third = Migration(name: "0003_c.sql", sql: "SELECT 3;\n")

    @Test func `what was not applied is pending, in order`() throws {
        let applied = [first.name: first.checksum]
        #expect(
            try Migration.pending([first, second, third], applied: applied) == [second, third]
        )
        #expect(try Migration.pending([], applied: applied).isEmpty)
    }

    @Test func `a file edited after it was applied is named`() {
        let failure = #expect(throws: StartFailure.self) {
            try Migration.pending([first, second], applied: [first.name: "other"])
        }
        #expect(failure?.description.hasPrefix("migration 0001_a.sql was edited") == true)
    }

    @Test func `nothing may come before what was applied`() {
        let failure = #expect(throws: StartFailure.self) {
            try Migration.pending([first, second], applied: [second.name: second.checksum])
        }
        #expect(failure?.description.contains("0001_a.sql comes before 0002_b.sql") == true)
    }

    @Test func `line ends of another system are no edit, a changed word is`() {
        #expect(
            Migration(name: "x", sql: "a\r\nb").checksum
                == Migration(name: "x", sql: "a\nb").checksum
        )
        #expect(Migration(name: "x", sql: "a").checksum != Migration(name: "x", sql: "b").checksum)
    }

    @Test(arguments: [Array("-- caf".utf8) + [0xE9], Array("SELECT 1;\0SELECT 2;".utf8)])
    func `a file that is no text is not taken for one`(contents: [UInt8]) throws {
        let scratch = Scratch()
        try Files.create(scratch.path + "/0001_a.sql", contents, mode: 0o644)
        let failure = #expect(throws: StartFailure.self) { try Migration.read(from: scratch.path) }
        #expect(failure?.description == "migration 0001_a.sql is not text in UTF-8")
    }

    @Test(arguments: [(1, 1), (3, 1), (4, 2), (6, 3)])
    func `a position in the text is a line`(position: Int, line: Int) {
        #expect(Migration(name: "x", sql: "éb\nc\nd").line(ofCharacter: position) == line)
    }
}

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0), ("ab", "ba", 2),
    ])
    func `the distance of two words is the number of edits`(a: String, b: String, edits: Int) {
        #expect(EditDistance.between(a, b) == edits)
    }
}
