// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Lucarne
import Support
import Telemetry
import Testing

@testable import Monitoring

@Suite struct ShippedFilesTests {
    private static let files = ShippedFiles(families: TelemetryCommand.families).contents

    @Test(arguments: files.map(\.path))
    func `a file is what the declarations say`(path: String) throws {
        let text = Self.files.first { $0.path == path }?.text
        #expect(
            try Repository.text(of: path) == text,
            "make telemetry writes \(path) anew; look at the difference before it is committed"
        )
    }

    @Test(arguments: files.map(\.path))
    func `nothing is left to be filled in`(path: String) throws {
        let text = try #require(Self.files.first { $0.path == path }?.text)
        #expect(!text.contains(#"\("#))
    }

    @Test func `no board is left of what was declared once`() {
        let written = Set(Self.files.map(\.path))
        #expect(Set(Repository.files(in: "dashboards")).subtracting(written).isEmpty)
    }

    @Test func `a runbook's address is the path in the repository, or begins as one wishes`() {
        func alerts(_ base: String) -> String {
            RuleGroup.yaml(RuleGroup.alerting, runbooks: base)
        }
        #expect(alerts("docs/runbooks").contains("runbook_url: 'docs/runbooks/LucarneDown.md'"))
        let elsewhere = alerts("https://git.example/lucarne/runbooks")
        #expect(elsewhere.contains("'https://git.example/lucarne/runbooks/LucarneDown.md'"))
    }

    @Test func `the document has every family and what looks at it`() throws {
        let families = TelemetryCommand.families
        let text = try Repository.text(of: "docs/metrics.md")
        let headings = text.matches(of: /### `([a-z_]+)`\n/).map { String($0.1) }
        #expect(headings.sorted() == families.map(\.name).sorted())
        #expect(
            !text.split(separator: "### ").dropFirst().contains {
                !$0.contains("Used by") && !$0.contains("lucarne_slo")
            }
        )
    }
}
