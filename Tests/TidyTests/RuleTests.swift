// SPDX-License-Identifier: Apache-2.0
import Testing

/// A made-up file that a rule must find, or must leave alone.
private struct Snippet: Sendable, CustomTestStringConvertible {
    let rule: String
    let path: String
    let text: String
    let findings: Int

    init(_ rule: String, _ path: String, _ text: String, finds findings: Int) {
        (self.rule, self.path, self.text, self.findings) = (rule, path, text, findings)
    }

    var testDescription: String { "\(rule): \(path)" }
}

private let layer = "a layer imports only its own business"
private let group = "a group imports only groups below it, and a feature never another feature"
private let ban = "banned words have replacements"
private let unchecked = "what the compiler cannot check is listed"
private let environment = "the environment is read in one place"
private let silent = "a feature has no clock, counter, span or log line"
private let fileLimit = "a file has at most 400 code lines"
private let functionLimit = "a function has at most 60 code lines"
private let width = "a line of code has at most 100 columns"
private let licence = "every file says its licence in one line"
private let later = "nothing is left for later in a comment"
private let doors = "only the doors measure"

private let spdx = "// SPDX-License-Identifier: Apache-2.0"
private let feature = "Sources/Features/Rest/Rest"

private func function(lines: Int, of line: String) -> String {
    "func long() {\n" + String(repeating: line + "\n", count: lines) + "}\n"
}

@Suite struct RuleTests {
    @Test func `every rule has a snippet that breaks it`() {
        let broken = Set(Self.snippets.filter { $0.findings > 0 }.map(\.rule))
        #expect(Set(Rule.all.map(\.name)) == broken)
    }

    @Test(arguments: snippets)
    private func `a rule finds what breaks it and nothing else`(snippet: Snippet) throws {
        let rule = try #require(Rule.all.first { $0.name == snippet.rule })
        let findings = rule.findings(SourceFile(path: snippet.path, text: snippet.text))
        #expect(findings.count == snippet.findings, "\(findings)")
    }

    @Test(
        arguments: [
            (#"let a = "print(" // print("#, #"let a = "" "#),
            ("let a = \"\\(b(\"x\"))\" + c", "let a = \"\" + c"),
            ("a /* b\nc */ d", "a \n d"),
            ("let a = #\"\"b\\\"#", "let a = \"\""),
            ("let a = \"\"\"\n  text \" text\n  \"\"\"", "let a = \"\n\n\""),
            ("let a = \"\\\"\"; b()", "let a = \"\"; b()"),
        ]
    )
    func `code is what is left without strings and comments`(text: String, code: String) {
        #expect(
            CodeText(text).lines
                == code.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        )
    }

    private static let snippets = layers + limits + bans

    private static let layers = [
        Snippet(layer, feature + "Controller.swift", "package import Persistence", finds: 1),
        Snippet(layer, feature + "Service.swift", "import HTTPServer\nimport Endpoints", finds: 2),
        Snippet(layer, feature + "Repository.swift", "import Endpoints", finds: 1),
        Snippet(layer, feature + "Repository.swift", "import Persistence", finds: 0),
        Snippet(layer, feature + "Service.swift", "// import Persistence", finds: 0),
        Snippet(group, feature + ".swift", "@testable import Operations", finds: 1),
        Snippet(group, feature + ".swift", "import Persistence", finds: 0),
        Snippet(group, feature + ".swift", "import CLibpq", finds: 1),
        Snippet(group, "Sources/Toolkit/Telemetry/A.swift", "import EventLoop", finds: 1),
        Snippet(group, "Sources/Toolkit/EventLoop/A.swift", "import LucarneCore", finds: 1),
        Snippet(group, "Sources/Toolkit/HTTPServer/A.swift", "import EventLoop", finds: 0),
        Snippet(group, "Sources/Core/QueryPlanner/A.swift", "import LucarneCore", finds: 1),
        Snippet("every import is known", feature + ".swift", "import NIO", finds: 1),
        Snippet("every import is known", feature + ".swift", "import Glibc", finds: 0),
        Snippet(
            "no Foundation under the hot path",
            "Sources/Toolkit/Telemetry/A.swift",
            "import Foundation",
            finds: 1
        ),
        Snippet(doors, feature + "Service.swift", "boundary.measure(in: context)", finds: 1),
        Snippet(doors, "Sources/Core/Endpoints/Endpoint.swift", "service.measure(in:)", finds: 0),
        Snippet(silent, feature + "Service.swift", "let a = Clock.now\nCounter()", finds: 2),
        Snippet(silent, feature + "Service.swift", "let clockwise = aCounter", finds: 0),
        Snippet(silent, "Sources/Features/Operations/A.swift", "Counter()", finds: 0),
    ]

    private static let limits = [
        Snippet(fileLimit, "A.swift", String(repeating: "a()\n", count: 401), finds: 1),
        Snippet(fileLimit, "A.swift", String(repeating: "a()\n// b\n", count: 400), finds: 0),
        Snippet(functionLimit, "A.swift", function(lines: 59, of: "    a()"), finds: 1),
        Snippet(functionLimit, "A.swift", function(lines: 58, of: "    a()"), finds: 0),
        Snippet(functionLimit, "A.swift", function(lines: 90, of: "    // why"), finds: 0),
        Snippet(
            functionLimit,
            "A.swift",
            "protocol P {\n    func a()\n    func b() -> Int\n}\n"
                + function(lines: 9, of: "    a()"),
            finds: 0
        ),
        Snippet(width, "A.swift", String(repeating: "a", count: 101), finds: 1),
        Snippet(width, "A.swift", "// " + String(repeating: "a", count: 101), finds: 0),
        Snippet(licence, "A.swift", "import Glibc", finds: 1),
        Snippet(licence, "A.swift", spdx, finds: 0),
        Snippet(licence, "Package.swift", "// swift-tools-version: 6.2\n\(spdx)", finds: 0),
    ]

    private static let bans = [
        Snippet(ban, feature + ".swift", "print(1)\nlet a = b as! C\ntry! d()", finds: 3),
        Snippet(ban, feature + ".swift", "Task.detached {}\nfatalError()", finds: 2),
        Snippet(ban, feature + ".swift", "String(format: a)\nDateFormatter()", finds: 2),
        Snippet(ban, feature + ".swift", "blueprint(1); \"print(\" // print(", finds: 0),
        Snippet(later, "Tests/A.swift", "// TO" + "DO: something", finds: 1),
        Snippet(later, "Tests/A.swift", "let methods = 1", finds: 0),
        Snippet(environment, feature + ".swift", "unsafe getenv(a)", finds: 1),
        Snippet(environment, "Sources/App/Lucarne/Configuration/A.swift", "getenv(a)", finds: 0),
        Snippet(unchecked, feature + ".swift", "class A: @unchecked Sendable {}", finds: 1),
        Snippet(unchecked, feature + ".swift", "nonisolated(unsafe) var a = 1", finds: 1),
        Snippet(
            unchecked,
            "Sources/Toolkit/EventLoop/EventLoop.swift",
            "class A: @unchecked Sendable {}",
            finds: 0
        ),
    ]
}
