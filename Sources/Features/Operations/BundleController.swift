// SPDX-License-Identifier: Apache-2.0
import Compression
import EventLoop
import HTTPServer
import Telemetry

/// Everything that is told here in one archive: what a bug report needs.
struct BundleController: Sendable {
    let telemetry: Telemetry
    /// What else answers to GET, without asking for a token.
    let routes: [Route]
    let inside: InsideController
    let probe: ProbeController
    let files: FilesController

    private let thread = BlockingPool(name: "bundle", width: 1, waitingMax: 1)

    private static let tracesMax = 50

    init(
        telemetry: Telemetry,
        routes: [Route],
        inside: InsideController,
        probe: ProbeController,
        files: FilesController
    ) {
        self.telemetry = telemetry
        self.routes = routes
        self.inside = inside
        self.probe = probe
        self.files = files
    }

    func make() async -> Response {
        var contents: [(name: String, response: Response)] = [
            ("build.json", inside.build()), ("config.json", inside.configuration()),
            ("requests.json", inside.requests()), ("pool.json", inside.pool()),
            ("loops.json", inside.loops()), ("threads.json", inside.threads()),
            ("alerts.yml", files.rules()),
        ]
        contents += health
        contents += files.dashboards.map { ("dashboards/\($0.name)", $0.response) }
        for route in routes where !route.template.hasSuffix("}") && !Self.isEndless(route) {
            let response = await route.respond(Request(.get, route.template))
            contents.append((Self.name(route.template), response))
        }
        let kept = telemetry.traces.all.prefix(Self.tracesMax).map(\.context.traceIDText)
        let traces = TraceController(telemetry: telemetry, thread: thread)
        for id in Set(kept) { contents.append(("traces/\(id).json", traces.document(id))) }
        return await archive(contents)
    }

    /// What the probes say, at length.
    private var health: [(name: String, response: Response)] {
        let json = Request(.get, "/readyz", headers: ["Accept": "application/health+json"])
        let answers: [(String, Response?)] = [
            ("livez.txt", try? probe.live(Request(.get, "/livez?verbose"))),
            ("readyz.txt", try? probe.ready(Request(.get, "/readyz?verbose"))),
            ("startupz.txt", try? probe.startup(Request(.get, "/startupz?verbose"))),
            ("readyz.json", try? probe.ready(json)),
            (
                "objectives.txt",
                try? probe.objectives(Request(.get, "/readyz/objectives?verbose"))
            ),
        ]
        return answers.compactMap { name, response in response.map { (name, $0) } }
    }

    private func archive(_ files: [(name: String, response: Response)]) async -> Response {
        var contents: [(name: String, bytes: [UInt8])] = []
        for (name, response) in files {
            contents.append((name, (try? await response.collectedBody()) ?? []))
        }
        let seconds = wallNanoseconds() / 1_000_000_000
        let folder = "lucarne-bundle-\(seconds)"
        let collected = contents
        let archive = try? await thread.run {
            var archive = TarArchive(madeAt: seconds)
            for (name, bytes) in collected {
                try? archive.append(bytes, named: "\(folder)/\(name)")
            }
            return archive.finishGzip()
        }
        guard let archive else {
            return Response(status: 503, problem: "a bundle is being made already")
        }
        var response = Response(status: 200, contentType: "application/gzip", archive)
        let name = "attachment; filename=\"\(folder).tar.gz\""
        response.headers.set("Content-Disposition", name)
        return response
    }

    private static func isEndless(_ route: Route) -> Bool { route.template.hasSuffix("/tail") }

    /// `/debug/logs/ledger` is in `logs-ledger.json`.
    private static func name(_ template: String) -> String {
        let words = template.split(separator: "/").filter { $0 != "debug" }
        return words.joined(separator: "-") + (template == "/metrics" ? ".txt" : ".json")
    }
}
