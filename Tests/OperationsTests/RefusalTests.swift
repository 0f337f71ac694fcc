// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Telemetry
import Testing

@testable import HTTPServer
@testable import Operations

private let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

/// The operations with their router, called in memory.
private struct Listener: Sendable {
    let telemetry = Telemetry()
    let pipeline: Pipeline

    init(token: String? = nil) {
        let access = OperationsAccess(token: token)
        pipeline = Pipeline(router: Router(Operations(telemetry: telemetry, access: access).routes))
    }

    func answer(
        _ target: String,
        _ method: HTTPServer.Method = .get,
        headers: HeaderFields = [:],
        body: String = ""
    ) async -> Response {
        let request = Request(method, target, headers: headers, body: Array(body.utf8))
        return await pipeline.respond(to: request)
    }

    func text(_ target: String, accept: String = "*/*") async throws -> String {
        let response = await answer(target, headers: ["Accept": accept])
        return String(decoding: try await response.collectedBody(), as: UTF8.self)
    }

    /// A request that took so long and was answered so, its trace kept.
    func keep(_ status: Int) -> String {
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        trace.isForced = true
        telemetry.requestStarted(trace)
        telemetry.requestEnded(trace, RequestSummary(status: status))
        return trace.context.traceIDText
    }
}

struct RefusalTests {
    @Test(
        arguments: [
            ("/debug/traces/0", .get, [:], "", 404, "not_found"),
            ("/dashboards/none.json", .get, [:], "", 404, "not_found"),
            ("/readyz/nothing", .get, [:], "", 404, "not_found"),
            ("/nothing", .get, [:], "", 404, "not_found"),
            ("/debug/logs", .post, [:], "", 405, "method_not_allowed"),
            ("/debug/logs?q=(", .get, [:], "", 400, "bad_parameter"),
            ("/debug/profile?seconds=0", .get, [:], "", 400, "bad_parameter"),
            ("/debug/log-level", .post, [:], #"{"a\"\u0001b":1}"#, 400, "bad_request"),
            ("/debug/log-scope", .post, [:], "[]", 400, "bad_request"),
            ("/debug/pool", .get, ["Origin": "http://x"], "", 403, "other_site"),
        ] as [(String, HTTPServer.Method, HeaderFields, String, Int, String)]
    )
    func `whatever refuses a request here does it in the router's form`(
        target: String,
        method: HTTPServer.Method,
        headers: HeaderFields,
        body: String,
        status: Int,
        code: String
    ) async throws {
        let response = await Listener().answer(target, method, headers: headers, body: body)
        #expect(response.status == status && response.failure?.code == code)
        #expect(response.headers["Content-Type"] == "application/json")
        #expect(response.headers["Cache-Control"] == "no-store")
        let problem = try JSONValue(parsing: try await response.collectedBody())
        #expect(
            problem.members?.map(\.0)
                == ["code", "details", "hint", "message", "request_id", "trace_id"]
        )
        #expect(problem["code"]?.string == code)
        #expect(problem["message"]?.string == response.failure?.message)
    }

    @Test(arguments: [(nil, "no_token"), ("Bearer x", "wrong_token")])
    func `who has no token is told so in that form, and how to show one`(
        given: String?,
        code: String
    ) async throws {
        let headers: HeaderFields = given.map { ["Authorization": $0] } ?? [:]
        let response = await Listener(token: "t").answer("/debug", headers: headers)
        #expect(response.status == 401)
        #expect(response.headers.joined("WWW-Authenticate")?.hasPrefix("Bearer") == true)
        let problem = try JSONValue(parsing: try await response.collectedBody())
        #expect(problem["code"]?.string == code)
    }

    @Test(arguments: ["/debug/logs", "/debug/traces", "/debug/logs/tail"])
    func `a filter that was typed wrong is shown where it is typed`(path: String) async throws {
        let response = await Listener().answer(
            "\(path)?q=%22%3E%3Cscript%3E+level%3E%3Dloud",
            headers: ["Accept": browser]
        )
        #expect(response.status == 400)
        #expect(response.headers["Content-Type"] == "text/html; charset=utf-8")
        let policy = response.headers["Content-Security-Policy"]
        #expect(policy?.hasPrefix("default-src 'none'") == true)
        let text = String(decoding: try await response.collectedBody(), as: UTF8.self)
        #expect(text.contains(#"<input name="q" size="60" value="&quot;&gt;&lt;script&gt; level"#))
        #expect(text.contains("<p class=\"bad\">q: expected ") && !text.contains("<script>"))
        #expect(text.contains("<code>bad_parameter</code>, trace <code>"))
    }

    @Test(arguments: [
        (browser, true), ("text/html", true), ("text/html;q=0.5, */*;q=0.1", true),
        ("text/html;q=0.1, application/json", false), ("text/html;q=0", false),
        ("application/json, text/html;q=0.9", false), ("*/*", false), ("", false),
        ("text/html;q=0.5, application/*;q=0.6", false), ("x/y;a=\",text/html\"", false),
    ])
    func `a page is for who would rather have one`(accept: String, isPage: Bool) async throws {
        let text = try await Listener().text("/debug/traces", accept: accept)
        #expect(text.hasPrefix("<!doctype html>") == isPage)
    }

    @Test(arguments: [
        ("/debug/traces?format=jaeger", "format", "q, route, min_ms, error, limit"),
        ("/debug/traces?min-ms=1", "min-ms", "q, route, min_ms, error, limit"),
        ("/debug/traces/0?q=x", "q", "format"), ("/debug/logs?level=info", "level", "q, limit"),
        ("/debug/logs/tail?limit=1", "limit", "q"),
    ])
    func `what nobody knows is refused with what can be asked`(
        target: String,
        name: String,
        known: String
    ) async {
        let response = await Listener().answer(target)
        #expect(response.status == 400 && response.failure?.code == "bad_parameter")
        let message = "\(name): is not known here; \(known) can be asked"
        #expect(response.failure?.message == message)
    }
}

struct NarrowingTests {
    @Test func `traces are narrowed down to those that failed, or did not, and to the latest`()
        async throws
    {
        let listener = Listener()
        let well = listener.keep(200)
        let failed = listener.keep(503)
        func ids(_ query: String) async throws -> [String?] {
            let list = try JSONValue(parsing: try await listener.text("/debug/traces?\(query)"))
            return list["traces"]?.array?.map { $0["trace_id"]?.string } ?? []
        }
        #expect(try await Set(ids("")) == [well, failed])
        #expect(try await ids("error=1") == [failed])
        #expect(try await ids("error") == [failed])
        #expect(try await ids("error=0") == [well])
        #expect(try await ids("error=false") == [well])
        #expect(try await ids("q=layers.parse%3E0").count == 2)
        #expect(try await ids("q=layers.sql%3E%3D0") == [])
        #expect(try await ids("limit=1").count == 1)
        #expect(try await ids("limit=0") == [])
        #expect(try await ids("limit=99999999999999999999999").count == 2)
        #expect(try await ids("min_ms=99999999999999999999999") == [])
    }

    @Test func `checks are left out one by one or in a list, and what cannot be is told`()
        async throws
    {
        let listener = Listener()
        for name in ["database", "pool", "migrations"] {
            listener.telemetry.health.declare(name)
            let status: HealthFinding.Status = name == "migrations" ? .pass : .fail
            listener.telemetry.health.report(name, HealthFinding(status))
        }
        listener.telemetry.health.learn(.started)
        for query in ["exclude=database,pool", "exclude=database&exclude=pool"] {
            #expect(try await listener.text("/readyz?\(query)") == "ok")
            let verbose = try await listener.text("/readyz?verbose&\(query)")
            #expect(verbose.contains("[+]migrations ok") && !verbose.contains("warn"))
        }
        let warning = #"some health checks cannot be excluded: no matches for "none", "pol""#
        let failing = try await listener.text("/readyz?exclude=database,pol,none")
        #expect(failing.hasSuffix("\nwarn: \(warning)\nfailed\n"))
        let verbose = try await listener.text("/readyz?verbose&exclude=database,pool,pol,none")
        #expect(verbose.hasSuffix("\nwarn: \(warning)\npassed\n"))
        let document = try JSONValue(
            parsing: try await listener.text("/readyz?exclude=pol,none", accept: "application/json")
        )
        #expect(document["notes"]?[0]?.string == warning)
        #expect(document["status"]?.string == "fail")
    }

    @Test func `the objectives' probe says as much as the others do`() async throws {
        let listener = Listener()
        let path = "/readyz/objectives"
        #expect(try await listener.text(path) == "ok")
        let verbose = try await listener.text("\(path)?verbose")
        #expect(verbose.hasPrefix("[+]availability ok\n") && verbose.hasSuffix("\npassed\n"))
        let route = RouteTelemetry(template: "/x", registry: listener.telemetry.registry)
        for _ in 0..<100 {
            let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
            trace.route = route
            listener.telemetry.requestStarted(trace)
            listener.telemetry.requestEnded(trace, RequestSummary(status: 500))
        }
        #expect(try await listener.text("\(path)?verbose").contains("[-]availability: its budget"))
        let response = await listener.answer(path, headers: ["Accept": "application/json"])
        #expect(response.status == 503)
        #expect(response.headers["Content-Type"] == "application/health+json")
        let document = try JSONValue(parsing: try await response.collectedBody())
        #expect(document["status"]?.string == "fail")
        let check = document["checks"]?["availability:burnRate"]?[0]
        #expect(check?["status"]?.string == "fail")
        #expect(check?["output"]?.string?.hasPrefix("its budget burns more than ") == true)
    }

    @Test func `what is looked at from inside is in its controller, and ends there`() async throws {
        let listener = Listener()
        let request = Request(.get, "/debug/requests")
        listener.telemetry.requestStarted(request.trace)
        request.trace.enter(.middleware)
        let response = await listener.pipeline.respond(to: request)
        let document = try JSONValue(parsing: try await response.collectedBody())
        #expect(document["requests"]?[0]?["layer"]?.string == "controller")
        #expect(request.trace.layer == .middleware)
        listener.telemetry.requestEnded(request.trace, RequestSummary(status: 200))
    }
}
