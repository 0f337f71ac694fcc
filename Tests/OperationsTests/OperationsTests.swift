// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Synchronization
import Telemetry
import Testing

@testable import HTTPServer
@testable import Operations

/// The operations routes, called in memory.
private struct House: Sendable {
    let telemetry: Telemetry
    let router: Router

    init(token: String? = nil) {
        telemetry = Telemetry()
        let access = OperationsAccess(token: token)
        router = Router(Operations(telemetry: telemetry, access: access).routes)
    }

    func answer(
        _ method: HTTPServer.Method,
        _ target: String,
        headers: HeaderFields = [:],
        body: String = ""
    ) async -> Response {
        var request = Request(method, target, headers: headers, body: Array(body.utf8))
        guard case .found(let route, let parameters) = router.match(method, path: request.pathBytes)
        else { return Response(status: 404) }
        request.pathParameters = parameters
        return await route.respond(request)
    }

    func get(_ target: String, accept: String? = nil) async -> (status: Int, text: String) {
        let headers: HeaderFields = accept.map { ["Accept": $0] } ?? [:]
        let response = await answer(.get, target, headers: headers)
        return (response.status, await text(response))
    }
}

private func text(_ response: Response) async -> String {
    let bytes = try? await response.collectedBody()
    return String(decoding: bytes ?? [], as: UTF8.self)
}

struct ProbeTests {
    @Test func `a process that starts is alive, not started and not ready`() async {
        let house = House()
        #expect(await house.get("/livez").status == 200)
        #expect(await house.get("/startupz").status == 503)
        let ready = await house.get("/readyz")
        #expect(ready.status == 503)
        #expect(ready.text == "[-]state starting\nfailed\n")
    }

    @Test func `PostgREST's names for the probes say the same`() async {
        let house = House()
        let routes = Operations(telemetry: house.telemetry).postgrestProbes
        #expect(routes.map(\.template) == ["/live", "/ready"])
        #expect(await routes[0].respond(Request(.get, "/live")).status == 200)
        #expect(await routes[1].respond(Request(.get, "/ready")).status == 503)
        house.telemetry.health.learn(.started)
        #expect(await routes[1].respond(Request(.get, "/ready")).status == 200)
    }

    @Test func `readiness names what is wrong, and can leave it out`() async {
        let house = House()
        house.telemetry.health.declare("database", component: "datastore")
        house.telemetry.health.declare("migrations")
        house.telemetry.health.report("migrations", HealthFinding(.pass))
        house.telemetry.health.report(
            "database",
            HealthFinding(.fail, "connection refused", nanoseconds: 2_000_000)
        )
        house.telemetry.health.learn(.started)
        let ready = await house.get("/readyz")
        #expect(ready.status == 503)
        #expect(ready.text.contains("[-]database failed: connection refused (2ms, 0s ago)"))
        #expect(ready.text.contains("[+]migrations ok"))
        #expect(await house.get("/readyz?exclude=database").status == 200)
        #expect(await house.get("/readyz/database").status == 503)
        #expect(await house.get("/readyz/migrations").status == 200)
        #expect(await house.get("/readyz/nothing").status == 404)
        house.telemetry.health.report("database", HealthFinding(.pass))
        #expect(await house.get("/readyz") == (200, "ok"))
        #expect(await house.get("/readyz?verbose").text.contains("[+]database ok"))
    }

    @Test func `to the world a probe says yes or no`() async throws {
        let house = House()
        house.telemetry.health.declare("database", component: "datastore")
        house.telemetry.health.learn(.started)
        let routes = Operations(telemetry: house.telemetry).publicProbes
        #expect(routes.map(\.template) == ["/livez", "/readyz", "/startupz"])
        let request = Request(.get, "/readyz?verbose", headers: ["Accept": "application/json"])
        let response = await routes[1].respond(request)
        #expect(response.status == 503)
        #expect(await text(response) == "failed")
    }

    @Test func `readiness ends with the drain, liveness does not`() async {
        let house = House()
        house.telemetry.health.learn(.started)
        #expect(await house.get("/readyz").status == 200)
        house.telemetry.health.learn(.stopRequested)
        #expect(await house.get("/readyz").status == 503)
        #expect(await house.get("/livez").status == 200)
    }

    @Test func `health is told as JSON where that is asked for`() async throws {
        let house = House()
        house.telemetry.health.declare("database", component: "datastore")
        house.telemetry.health.learn(.started)
        house.telemetry.health.report("database", HealthFinding(.warn, "slow"))
        let response = await house.answer(
            .get,
            "/readyz",
            headers: ["Accept": "application/health+json"]
        )
        #expect(response.status == 200)
        #expect(response.headers["Content-Type"] == "application/health+json")
        let body = await text(response)
        #expect(body.contains(#""status":"warn","version":"1""#))
        #expect(body.contains(#""output":"slow""#))
        let check = try JSONValue(parsing: body)["checks"]?["postgresql:responseTime"]?[0]
        #expect(check?["componentType"]?.string == "datastore")
        #expect(check?["observedUnit"]?.string == "ms")
        #expect(throws: Never.self) { try JSONValue(parsing: body) }
    }

    @Test func `a new version is no good while an objective burns as fast as a page is sent for`()
        async
    {
        let house = House()
        house.telemetry.health.learn(.started)
        let route = RouteTelemetry(template: "/x", registry: house.telemetry.registry)
        func answered(_ status: Int, times: Int) {
            for _ in 0..<times {
                let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
                trace.route = route
                house.telemetry.requestStarted(trace)
                house.telemetry.requestEnded(trace, RequestSummary(status: status))
            }
        }
        answered(200, times: 1_000)
        #expect(await house.get("/readyz/objectives") == (200, "ok"))
        // Of 0.1 % that may fail: 5 times too fast is a ticket's matter, 10 times is a page's.
        answered(500, times: 5)
        #expect(await house.get("/readyz/objectives").status == 200)
        answered(500, times: 5)
        let answer = await house.get("/readyz/objectives")
        #expect(answer.status == 503)
        #expect(
            answer.text == "[-]availability: its budget burns more than 6.0 times too fast over 6h "
                + "and 30m\nfailed\n"
        )
        #expect(await house.get("/readyz").status == 200)
    }

    @Test func `a check that hangs is told of in time, and not begun again`() async {
        let house = House()
        let begun = Atomic<Int>(0)
        let checks = HealthChecks(
            [
                HealthCheck("good") { HealthFinding(.pass) },
                HealthCheck("stuck", period: .milliseconds(20), timeout: .milliseconds(10)) {
                    begun.add(1, ordering: .relaxed)
                    // Deaf to being cancelled.
                    unsafe await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
                    return HealthFinding(.pass)
                },
            ],
            health: house.telemetry.health
        )
        let running = Task { await checks.run() }
        for check in ["good": 200, "stuck": 503] {
            while await house.get("/readyz/\(check.key)").text.contains("not checked yet") {
                try? await Task.sleep(for: .milliseconds(5))
            }
            #expect(await house.get("/readyz/\(check.key)").status == check.value)
        }
        #expect(await house.get("/readyz/stuck").text.contains("took too long"))
        let rounds = house.telemetry.health.entries.first { $0.name == "stuck" }?.foundAt
        while house.telemetry.health.entries.first(where: { $0.name == "stuck" })?.foundAt == rounds
        {
            try? await Task.sleep(for: .milliseconds(5))
        }
        #expect(begun.load(ordering: .relaxed) == 1)
        running.cancel()
        await running.value
    }
}

struct InsideTests {
    @Test(arguments: [
        "/metrics", "/metrics/catalog", "/debug", "/debug/requests", "/debug/pool", "/debug/build",
        "/debug/config", "/debug/cardinality", "/debug/logs/ledger", "/debug/log-level",
        "/debug/traces", "/debug/slo", "/debug/sql", "/debug/logs", "/debug/log-scope",
    ])
    func `what is inside needs the token, where there is one`(_ path: String) async {
        let house = House(token: "s3cret")
        #expect(await house.get(path).status == 401)
        let wrong = await house.answer(.get, path, headers: ["Authorization": "Bearer s3creT"])
        #expect(wrong.status == 401)
        let right = await house.answer(.get, path, headers: ["Authorization": "Bearer s3cret"])
        #expect(right.status == 200)
        #expect(right.headers["Cache-Control"] == "no-store")
        #expect(await House().get(path).status == 200)
    }

    @Test func `the index names every page that is read without naming one thing`() async {
        let house = House()
        let index = await house.get("/debug/")
        let same = await house.get("/debug")
        #expect(index == same && index.status == 200)
        let routes = Operations(telemetry: house.telemetry).routes.filter { $0.method == .get }
        let pages = routes.map(\.template).filter {
            !$0.contains("{") && !["/debug", "/debug/"].contains($0)
        }
        #expect(pages.count > 15 && pages.contains("/debug/profile"))
        for page in pages {
            let isNamed = ["\"", "?"].contains { index.text.contains("href=\"\(page)\($0)") }
            #expect(isNamed, "\(page)")
        }
    }

    @Test(arguments: [
        ("?seconds=1&format=svg", "folded or pprof"), ("?seconds=1&format=", "folded or pprof"),
        ("?seconds=0", "1 to 60"), ("?seconds=61", "1 to 60"), ("?seconds=soon", "1 to 60"),
    ])
    func `a profile nobody can make is refused with what can be asked for`(
        query: String,
        words: String
    ) async {
        let answer = await House().get("/debug/profile" + query)
        #expect(answer.status == 400 && answer.text.contains(words), "\(answer.text)")
    }

    @Test func `the probes need none`() async {
        #expect(await House(token: "s3cret").get("/livez").status == 200)
    }

    @Test func `metrics come in the format that was asked for`() async {
        let house = House()
        let open = await house.get(
            "/metrics",
            accept: "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        )
        #expect(open.text.hasSuffix("# EOF\n"))
        let plain = await house.get("/metrics")
        #expect(plain.text.hasPrefix("# HELP "))
        #expect(!plain.text.contains("# EOF"))
    }

    @Test func `the catalogue has every family that is exposed, and no other`() async throws {
        let house = House()
        let text = await house.get("/metrics").text
        let exposed = Set(
            text.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }
                .map { String($0.split(separator: " ")[2]) }
        )
        let catalog = try JSONValue(parsing: await house.get("/metrics/catalog").text)
        guard case .object(let members) = catalog, case .array(let families)? = members.last?.1
        else {
            Issue.record("no families")
            return
        }
        let declared = families.compactMap { family -> String? in
            guard case .object(let members) = family,
                case .string(let name)? = members.first(where: { $0.0 == "name" })?.1
            else { return nil }
            return name
        }
        #expect(Set(declared).count == declared.count)
        #expect(exposed.isSubset(of: declared))
        // Families whose labels are all of the future have no series before the first request.
        let silent = Set(declared).subtracting(exposed)
        #expect(
            silent == [
                "db_client_operation_duration_seconds", "db_client_response_returned_rows",
                "lucarne_event_loop_busy_seconds_total", "lucarne_event_loop_lag_seconds",
                "lucarne_health_check_duration_seconds", "lucarne_health_check_status",
                "lucarne_http_problems_total", "lucarne_middleware_duration_seconds",
                "lucarne_middleware_rejections_total", "lucarne_service_operation_duration_seconds",
                "lucarne_sql_slow_queries_total",
            ]
        )
    }

    @Test(arguments: [
        (#"{"level":"debug","module":"sql","seconds":60}"#, 200),
        (#"{"level":"debug"}"#, 200),
        (#"{"module":"sql"}"#, 400), (#"{"level":"loud"}"#, 400),
        (#"{"level":"debug","module":"nothing"}"#, 400),
        (#"{"level":"debug","seconds":-1}"#, 400), (#"{"level":"debug","seconds":1.5}"#, 400),
        (#"{"level":"debug","more":1}"#, 400), ("[]", 400), ("{", 400), ("", 400),
    ])
    func `a level is changed by those who say it clearly`(_ body: String, _ status: Int) async {
        let house = House()
        let response = await house.answer(.post, "/debug/log-level", body: body)
        #expect(response.status == status)
        #expect(house.telemetry.logs.isEnabled(.debug, .sql) == (status == 200))
    }

    @Test(arguments: [#"{"seconds":0}"#, #"{"module":"http","level":"error","seconds":0}"#])
    func `a level that was changed for a while is taken back`(_ body: String) async {
        let house = House()
        func change(_ body: String) async -> Int {
            await house.answer(.post, "/debug/log-level", body: body).status
        }
        #expect(await change(#"{"level":"warning","module":"sql"}"#) == 200)
        #expect(await change(#"{"level":"error","module":"http","seconds":600}"#) == 200)
        #expect(!house.telemetry.logs.isEnabled(.info, .http))
        #expect(await change(body) == 200)
        #expect(house.telemetry.logs.isEnabled(.info, .http))
        #expect(!house.telemetry.logs.isEnabled(.info, .sql), "that was not for a while")
        #expect(house.telemetry.logs.currentLevels.allSatisfy { $0.until == nil })
    }

    @Test func `while operations run, a level that was changed for a while comes back`() async {
        let house = House()
        let body = #"{"level":"error","module":"http","seconds":1}"#
        #expect(await house.answer(.post, "/debug/log-level", body: body).status == 200)
        #expect(!house.telemetry.logs.isEnabled(.info, .http))
        let running = Task { await Operations(telemetry: house.telemetry).run() }
        for _ in 0..<1_000 where !house.telemetry.logs.isEnabled(.info, .http) {
            try? await Task.sleep(for: .milliseconds(10))
        }
        #expect(house.telemetry.logs.isEnabled(.info, .http))
        running.cancel()
        await running.value
    }

    @Test func `a request in flight is shown with its layer`() async {
        let house = House()
        let trace = RequestTrace(
            startedAt: uptimeNanoseconds(),
            context: .restarted(),
            requestID: "abc",
            method: .get
        )
        house.telemetry.requestStarted(trace)
        trace.enter(.sql)
        let text = await house.get("/debug/requests").text
        #expect(text.contains(#""request_id":"abc","method":"GET","route":null,"layer":"sql""#))
        house.telemetry.requestEnded(trace, RequestSummary(status: 200))
        #expect(await house.get("/debug/requests").text.hasPrefix(#"{"count":0"#))
    }
}

struct TraceTests {
    /// One failed request with a hostile path, kept.
    private func house() -> (House, id: String) {
        let house = House()
        let route = RouteTelemetry(template: "/x/{id}", registry: house.telemetry.registry)
        let trace = RequestTrace(
            startedAt: uptimeNanoseconds(),
            context: .restarted(),
            method: .get
        )
        trace.route = route
        house.telemetry.requestStarted(trace)
        let outer = trace.enter(.service)
        let inner = trace.enter(.sql)
        trace.note("db.query.summary", "SELECT \"<x>\"")
        trace.leave(to: inner, failed: true)
        trace.leave(to: outer)
        var summary = RequestSummary(status: 500)
        summary.path = Array("/x/<script>alert(1)</script>".utf8)[...]
        summary.query = Array("apikey=hidden&id=eq.1".utf8)[...]
        summary.errorCode = "XX000"
        summary.errorType = "internal_failure"
        house.telemetry.requestEnded(trace, summary)
        return (house, trace.context.traceIDText)
    }

    @Test func `a kept trace is listed and opens as OTLP`() async throws {
        let (house, id) = house()
        #expect(await house.get("/debug/traces").text.contains(id))
        #expect(await house.get("/debug/traces?route=/x/{id}&error=1").text.contains(id))
        #expect(await !house.get("/debug/traces?route=/y").text.contains(id))
        #expect(await !house.get("/debug/traces?min_ms=99999999999999999").text.contains(id))
        let (status, text) = await house.get("/debug/traces/\(id)")
        #expect(status == 200)
        #expect(throws: Never.self) { try JSONValue(parsing: text) }
        #expect(text.contains(#""name":"GET /x/{id}","kind":2"#))
        #expect(text.contains(#""name":"SELECT \"<x>\"","kind":3"#))
        // The root's and the failed span's.
        let error = #""key":"error.type","value":{"stringValue":"internal_failure"}"#
        #expect(text.components(of: error) == 2)
        let query = #""key":"url.query","value":{"stringValue":"apikey=[redacted]&id=eq.1"}"#
        #expect(text.contains(query))
        #expect(text.components(of: "\"traceId\":\"\(id)\"") == 3)
    }

    @Test func `it opens as Jaeger's JSON as well, with the same tree`() async throws {
        let (house, id) = house()
        let (status, text) = await house.get("/debug/traces/\(id)?format=jaeger")
        #expect(status == 200)
        let trace = try #require(JSONValue(parsing: Array(text.utf8))["data"]?[0])
        #expect(trace["traceID"]?.string == id)
        let spans = trace["spans"]?.array ?? []
        let names = spans.map { $0["operationName"]?.string ?? "" }
        #expect(names == ["GET /x/{id}", "service", "SELECT \"<x>\""])
        let parents = spans.map { $0["references"]?[0]?["spanID"]?.string }
        let ids = spans.map { $0["spanID"]?.string }
        #expect(parents == [nil, ids[0], ids[1]])
    }

    @Test func `its page shows the waterfall, and nothing on it runs`() async {
        let (house, id) = house()
        let (status, text) = await house.get("/debug/traces/\(id)", accept: "text/html,*/*")
        #expect(status == 200)
        #expect(!text.contains("<script>"))
        #expect(text.contains("&lt;script&gt;"))
        #expect(text.contains("class=\"bar sql failed\""))
        #expect(await house.get("/debug/traces", accept: "text/html").text.contains(id))
    }

    @Test(arguments: ["0", "zz", String(repeating: "0", count: 32), "%00"])
    func `a trace that is not there is not found`(_ id: String) async {
        #expect(await house().0.get("/debug/traces/\(id)").status != 200)
    }
}

extension String {
    fileprivate func components(of part: String) -> Int {
        var (count, rest) = (0, self[...])
        while let range = rest.firstRange(of: part) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
