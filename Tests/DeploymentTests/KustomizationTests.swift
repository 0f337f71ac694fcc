// SPDX-License-Identifier: Apache-2.0
import Foundation
import JSONCoding
import Support
import Testing

/// What docs/deploying.md has its reader apply, as kubectl makes it of the manifests.
@Suite(.enabled(if: Kubectl.isHere, "there is no kubectl"))
struct KustomizationTests {
    @Test(arguments: [false, true])
    func `all is in one namespace with one label, and scraped once`(scrapesPods: Bool) throws {
        let objects = try Self.rendered(scrapesPods: scrapesPods)
        #expect(objects.count > 15)
        for object in objects {
            let name = "\(object["kind"]?.string ?? "") \(object["metadata", "name"].string ?? "")"
            #expect(object["metadata", "namespace"].string == "lucarne", "\(name)")
            let label = object["metadata", "labels"]["app.kubernetes.io/part-of"]
            #expect(label?.string == "lucarne", "\(name)")
        }
        let kinds = objects.compactMap { $0["kind"]?.string }.filter { $0.hasSuffix("Monitor") }
        #expect(kinds == [scrapesPods ? "PodMonitor" : "ServiceMonitor"])
    }

    /// The kustomization out of the document, beside a copy of `deploy`.
    private static func rendered(scrapesPods: Bool) throws -> [JSONValue] {
        let document = try Repository.text(of: "docs/deploying.md")
        let written = document.firstMatch(of: /```yaml\n# lucarne\/kustomization.yaml\n([^`]+)```/)
        let component = document.firstMatch(of: /`(components: \[[^`]+)`/)
        var text = String(try #require(written).1)
        if scrapesPods { text += try #require(component).1 }

        let folder = URL(filePath: NSTemporaryDirectory())
            .appending(path: "lucarne-kustomization-\(UInt64.random(in: 0 ... .max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        let own = folder.appending(path: "lucarne")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: URL(filePath: "\(Repository.root)/deploy"),
            to: folder.appending(path: "deploy")
        )
        try Data(text.utf8).write(to: own.appending(path: "kustomization.yaml"))
        let made = try Command.run("/usr/bin/env", ["kubectl", "kustomize", own.path])
        try #require(made.status == 0, "\(made.errors)")
        let file = folder.appending(path: "all.yaml").path
        try Data(made.output.utf8).write(to: URL(filePath: file))
        let read = try Command.client("yaml_as_json", file)
        return try JSONValue(parsing: Array(read.output.utf8))[file]?.array ?? []
    }
}

private enum Kubectl {
    static let isHere =
        (try? Command.run("/usr/bin/env", ["kubectl", "version", "--client"]).status) == 0
}
