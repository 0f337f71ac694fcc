// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Lucarne
import Support
import Telemetry
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
        Word("a command", /(?:`|-- )lucarne ([a-z]+)/, commands),
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
        for runbook in try Runbook.all() + [Runbook.prepared()] {
            for word in Self.words {
                for text in word.texts(in: runbook.text) {
                    found += 1
                    #expect(word.isKnown(text), "\(runbook.name): \(text) is not \(word.kind)")
                }
            }
        }
        #expect(found > 60)
    }

    @Test func `what a command needs is there, or said before it`() throws {
        let prepared = try Runbook.prepared()
        let places = try Self.places()
        for runbook in try Runbook.all() + [prepared] {
            #expect(runbook.name == prepared.name || runbook.text.contains("](README.md)"))
            let inline = runbook.text.matches(of: /`((?:curl|kubectl|psql) [^`]+)`/)
            for command in runbook.commands + inline.map({ String($0.1) }) {
                #expect(Self.isComplete(command, places), "\(runbook.name): \(command)")
                for variable in command.matches(of: /\$([A-Z_]+)/).map({ String($0.1) }) {
                    #expect(
                        prepared.text.contains("\n\(variable)="),
                        "\(runbook.name): nobody sets \(variable)"
                    )
                }
            }
        }
    }

    /// Whoever pastes a block whole has what was set last.
    @Test func `a block sets a variable once`() throws {
        for runbook in try Runbook.all() + [Runbook.prepared()] {
            for block in runbook.blocks("sh") {
                let names = block.split(separator: "\n")
                    .compactMap { $0.firstMatch(of: /^[A-Z_]+=/)?.output }
                #expect(Set(names).count == names.count, "\(runbook.name): \(block)")
            }
        }
    }

    @Test func `what no instance is named for is looked up in the log of all`() throws {
        let runbooks = try Runbook.all()
        for alert in RuleGroup.alerting.flatMap(\.rules) {
            let kept = PromQLReading(alert.expression).groupings
            guard !kept.isEmpty, !kept.contains("instance") else { continue }
            let commands = runbooks.first { $0.name == alert.name }?.commands ?? []
            #expect(!commands.contains { $0.contains(#"logs "$POD""#) }, "\(alert.name)")
        }
    }

    /// Behind a pooler an instance hears of no migration by itself.
    @Test func `who is told to migrate is told how instances hear of it`() throws {
        let migrating = try Runbook.all().filter { runbook in
            runbook.text.contains(/-- lucarne migrate(?! --check)/)
        }
        #expect(migrating.map(\.name).contains("LucarneMigrationsPending"))
        for runbook in migrating {
            #expect(runbook.text.contains("kill -USR1 1"), "\(runbook.name)")
        }
    }

    @Test func `who waits below the limit is told of another setting than the limit`() throws {
        let runbook = try Runbook.all().first { $0.name == "LucarnePoolSaturated" }
        let text = try #require(runbook?.text)
        #expect(text.contains("LUCARNE_POOL_MIN") && text.contains("LUCARNE_POOL_IDLE_TIMEOUT"))
    }

    @Test(arguments: [
        "curl -s http://127.0.0.1:9464/debug/pool", "kubectl logs deployment/lucarne",
        "kubectl -n lucarne logs deployment/other", "top -H -p 1", "lucarne healthcheck",
        #"kubectl -n lucarne exec "$POD" -- top"#, "kubectl -n lucarne logs -l name=other",
    ])
    func `a command that fails where it is run is found`(command: String) throws {
        #expect(try !Self.isComplete(command, Self.places()))
    }

    /// How the cluster's objects are named by a command.
    private static func places() throws -> [String] {
        let manifest = try Deployment().file("deploy/kubernetes/deployment.yaml")
        let name = try #require(manifest["metadata", "name"].string)
        let labels = manifest["spec", "template"]["metadata", "labels"]
        let label = try #require(labels["app.kubernetes.io/name"]?.string)
        return [
            #""$POD""#, "deployment/\(name)", "-l app.kubernetes.io/name=\(label)",
            "get pods -o name --field-selector", "get secret \(name) ",
        ]
    }

    /// It says where, and as whom: at night nobody is where the container is.
    private static func isComplete(_ command: String, _ places: [String]) -> Bool {
        if command.contains("curl ") {
            return command.contains(#"-H "Authorization: Bearer $TOKEN""#)
        }
        guard let kubectl = command.firstRange(of: "kubectl ") else {
            return command.hasPrefix("psql ") || command.firstMatch(of: /^[A-Z]+=/) != nil
        }
        let rest = command[kubectl.upperBound...]
        let inside = rest.split(separator: " -- ").dropFirst().first ?? "lucarne "
        return rest.hasPrefix("config ")
            || rest.hasPrefix("-n lucarne ") && places.contains { rest.contains($0) }
                && ["lucarne ", "ls ", "cat ", "sh -c 'kill "].contains { inside.hasPrefix($0) }
    }

    /// Where Prometheus takes native histograms, there are no others of these families.
    @Test func `a question about a native histogram has a half for it`() throws {
        let natives = TelemetryCommand.families.filter(\.isNative).map(\.name)
        #expect(!natives.isEmpty)
        for runbook in try Runbook.all() {
            for query in runbook.queries {
                for name in natives where query.contains("\(name)_") {
                    let isBoth = ["[", "{"].contains { query.contains(name + $0) }
                    #expect(isBoth, "\(runbook.name): \(query)")
                }
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
