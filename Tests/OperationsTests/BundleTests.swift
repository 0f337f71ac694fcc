// SPDX-License-Identifier: Apache-2.0
import Compression
import JSONCoding
import Telemetry
import Testing

@testable import HTTPServer
@testable import Operations

struct BundleTests {
    private let operations: Operations = {
        var configuration = TelemetryConfiguration()
        configuration.log.ringRecordsMax = 100
        let telemetry = Telemetry(configuration)
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        telemetry.requestStarted(trace)
        telemetry.requestEnded(trace, RequestSummary(status: 500))
        var sources = Operations.Sources()
        sources.dashboards = { [("lucarne-overview.json", #"{"uid":"overview"}"#)] }
        sources.rules = { "groups: []" }
        let access = OperationsAccess(token: "s3cret")
        return Operations(telemetry: telemetry, sources: sources, access: access)
    }()

    private func answer(
        _ method: HTTPServer.Method,
        _ target: String,
        token: String? = "s3cret"
    ) async -> Response {
        let headers: HeaderFields = token.map { ["Authorization": "Bearer \($0)"] } ?? [:]
        var request = Request(method, target, headers: headers)
        let router = Router(operations.routes)
        guard case .found(let route, let parameters) = router.match(method, path: request.pathBytes)
        else { return Response(status: 404) }
        request.pathParameters = parameters
        return await route.respond(request)
    }

    @Test func `everything but the probes asks for the token, and changes are made by POST`() async
    {
        let probes = [
            "/livez", "/readyz", "/readyz/objectives", "/readyz/{check}", "/startupz",
        ]
        for route in operations.routes where !probes.contains(route.template) {
            let target = route.template.replacing("{id}", with: "0").replacing("{name}", with: "x")
            #expect(
                await answer(route.method ?? .get, target, token: nil).status == 401,
                "\(target)"
            )
            #expect(await answer(route.method ?? .get, target, token: "x").status == 401)
        }
        let posts = operations.routes.filter { $0.method != .get }.map(\.template)
        #expect(Set(posts) == ["/debug/log-level", "/debug/log-scope"])
    }

    @Test func `a bundle has a file for each page, and no secret is needed to make it`()
        async throws
    {
        let response = await answer(.get, "/debug/bundle")
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/gzip")
        let bytes = try await response.collectedBody()
        let plain = try GzipDecompressor.decompress(bytes, bytesMax: 1 << 24)
        let text = String(decoding: plain, as: UTF8.self)
        for name in [
            "build.json", "config.json", "requests.json", "pool.json", "loops.json", "threads.json",
            "metrics.txt", "metrics-catalog.json", "cardinality.json", "slo.json", "sql.json",
            "traces.json", "logs.json", "logs-ledger.json", "log-level.json", "log-scope.json",
            "livez.txt", "readyz.txt", "readyz.json", "startupz.txt", "objectives.txt",
            "alerts.yml", "dashboards/lucarne-overview.json",
        ] {
            #expect(text.contains("/\(name)\u{0}"), "\(name)")
        }
        #expect(text.contains("/traces/"))
        for content in [
            "[-]state starting", #""status":"fail""#, "groups: []", #"{"uid":"overview"}"#,
        ] {
            #expect(text.contains(content), "\(content)")
        }
        #expect(!text.contains("token is needed"))
    }

    @Test func `what is shipped is served, and nothing beside it`() async throws {
        let list = String(
            decoding: try await answer(.get, "/dashboards").collectedBody(),
            as: UTF8.self
        )
        #expect(list == "{\"dashboards\":[\"/dashboards/lucarne-overview.json\"]}\n")
        #expect(await answer(.get, "/dashboards/lucarne-overview.json").status == 200)
        for name in ["README.md", "none.json", "..%2fx.json", "%2e%2e.json", ".json.json"] {
            #expect(await answer(.get, "/dashboards/\(name)").status == 404)
        }
        #expect(await answer(.get, "/alerts.yml").status == 200)
    }

    @Test(arguments: ["0", "61", "x", "1.5", ""])
    func `a profile has a length`(_ seconds: String) async {
        #expect(await answer(.get, "/debug/profile?seconds=\(seconds)").status == 400)
    }
}
