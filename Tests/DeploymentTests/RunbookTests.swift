// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Lucarne
import Support
import Testing

@testable import Monitoring

/// Whoever reads a runbook at night shall not be sent to what is not there.
@Suite struct RunbookTests {
    /// What a runbook may speak of, by how it is written.
    private static let words: [Word] = [
        Word(
            "an alert",
            /\bLucarne[A-Z][A-Za-z]+\b/,
            Set(RuleGroup.alerting.flatMap(\.rules).map(\.name))
        ),
        Word("a board", /board \*([A-Z][a-z ]+)\*/, Set(Board.all.map(\.title))),
        Word("a command", /`lucarne ([a-z]+)/, commands),
        Word("an event", /`([a-z]+\.[a-z_]+)`/, Set(LogEvent.all.map(\.name))),
        Word(
            "an event that is searched for",
            /"event":"([a-z_.]+)"/,
            Set(LogEvent.all.map(\.name))
        ),
        Word("a path", /`(\/[a-z][a-z\/-]*)/, Deployment.servedPaths),
        Word("an address", /127\.0\.0\.1:9464(\/[a-z\/-]+)/, Deployment.servedPaths),
        Word("a setting", /LUCARNE_[A-Z_]+/, Deployment.settings),
        Word("a folder", /`((?:deploy|docs|prometheus)\/[a-z\/.-]+)`/, nil),
    ]

    @Test func `runbooks speak of what there is`() throws {
        var found = 0
        for runbook in try Runbook.all() {
            for word in Self.words {
                for text in word.texts(in: runbook.text) {
                    found += 1
                    #expect(word.isKnown(text), "\(runbook.name): \(text) is not \(word.kind)")
                }
            }
        }
        #expect(found > 60)
    }

    @Test func `runbooks send to objects of the cluster that are shipped`() throws {
        let deployment = try Deployment()
        let manifest = deployment.file("deploy/kubernetes/deployment.yaml")
        let name = try #require(manifest["metadata", "name"].string)
        let label = manifest["spec", "template"]["metadata", "labels"]["app.kubernetes.io/name"]
        for runbook in try Runbook.all() {
            for command in runbook.commands where command.hasPrefix("kubectl ") {
                let isThere =
                    command.contains("deployment/\(name)") || command.contains("deployment \(name)")
                    || command.contains("-l app.kubernetes.io/name=\(label?.string ?? "-")")
                #expect(isThere, "\(runbook.name): \(command)")
            }
        }
    }

    @Test(arguments: [
        "LucarneDwon", "board *Overviews*", "`lucarne heal`", "`catalog.broken`", "`/debug/heap`",
        #""event":"sql.late""#, "127.0.0.1:9464/debug/heap", "LUCARNE_POOL", "`deploy/nomad`",
    ])
    func `a word that leads nowhere is found`(text: String) {
        #expect(Self.words.contains { word in word.texts(in: text).contains { !word.isKnown($0) } })
    }

    private static let commands = Set(
        Help.text.matches(of: /\n {2}([a-z]+)\s/).map { String($0.1) }
    )
}

/// A kind of word, and those of its kind that mean something; nil: a path in the repository.
private struct Word: @unchecked Sendable {
    let kind: String
    private let pattern: Regex<AnyRegexOutput>
    private let known: Set<String>?

    init<Output>(_ kind: String, _ pattern: Regex<Output>, _ known: Set<String>?) {
        self.kind = kind
        self.pattern = Regex<AnyRegexOutput>(pattern)
        self.known = known
    }

    func texts(in text: String) -> [String] {
        text.matches(of: pattern).compactMap { match in
            match.output.last?.substring.map(String.init)
        }
    }

    func isKnown(_ text: String) -> Bool {
        known?.contains(text) ?? Deployment.exists(text)
    }
}
