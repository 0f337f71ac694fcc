// SPDX-License-Identifier: Apache-2.0
import Endpoints
import HTTPServer
import Telemetry
import Testing

struct MiddlewareTests {
    private func pipeline(_ middleware: any Middleware, _ response: Response) -> Pipeline {
        let telemetry = RouteTelemetry(template: "/", registry: MetricRegistry())
        let route = Route(.get, "/", telemetry: telemetry) { _ in response }
        return Pipeline(router: Router([route]), middleware: [middleware])
    }

    private func ask(
        _ middleware: any Middleware,
        _ request: Request,
        _ response: Response = Response(status: 200)
    ) async -> HeaderFields {
        await pipeline(middleware, response).respond(to: request).headers
    }

    /// Refuses what asks for it, with the status that it asks for.
    private struct Doorman: Middleware {
        let name: StaticString = "doorman"

        func before(_ request: inout Request) -> Response? {
            request.headers["X-Refuse"].flatMap { Int($0) }.map { Response(status: $0) }
        }
    }

    @Test func `middleware is timed for one request in sixteen, every refusal counted`() async {
        let telemetry = Telemetry()
        let measured = RouteTelemetry(template: "/", registry: telemetry.registry)
        let route = Route(.get, "/", telemetry: measured) { _ in Response(status: 200) }
        let middleware: [any Middleware] = [TraceHeaders(), Doorman()]
        let pipeline = Pipeline(
            router: Router([route]),
            middleware: middleware,
            telemetry: MiddlewareTelemetry(names: middleware.map(\.name), telemetry: telemetry)
        )
        let refusals = [nil, "413", nil, "204", "403", "413", nil, nil]
        for position in 0..<32 {
            let refusal = refusals[position % refusals.count]
            let digit = String(position % 16, radix: 16)
            let caller = "00-0af7651916cd43dd8448eb211c80319\(digit)-b7ad6b7169203331-00"
            let trace = RequestTrace(
                startedAt: uptimeNanoseconds(),
                context: TraceContext(accepting: caller)
            )
            let headers: HeaderFields = refusal.map { ["X-Refuse": $0] } ?? [:]
            let request = Request(.get, "/", headers: headers, trace: trace)
            let response = await pipeline.respond(to: request)
            #expect(response.status == refusal.flatMap { Int($0) } ?? 200)
            #expect(response.headers.contains("traceparent"))
        }
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        for line in [
            #"duration_seconds_count{middleware="trace_headers"} 2"#,
            #"duration_seconds_count{middleware="doorman"} 2"#,
            #"rejections_total{middleware="doorman",reason="too_large"} 8"#,
            #"rejections_total{middleware="doorman",reason="origin"} 4"#,
            #"rejections_total{middleware="trace_headers",reason="origin"} 0"#,
        ] {
            #expect(text.contains("lucarne_middleware_\(line)\n"), "\(line)")
        }
    }

    @Test func `a trace that was asked for tells of each middleware, and who refused`() async throws
    {
        let telemetry = Telemetry()
        let measured = RouteTelemetry(template: "/", registry: telemetry.registry)
        let route = Route(.get, "/", telemetry: measured) { _ in Response(status: 200) }
        let middleware: [any Middleware] = [TraceHeaders(), Doorman()]
        let pipeline = Pipeline(
            router: Router([route]),
            middleware: middleware,
            telemetry: MiddlewareTelemetry(names: middleware.map(\.name), telemetry: telemetry)
        )
        let trace = RequestTrace(
            startedAt: uptimeNanoseconds(),
            context: TraceContext(accepting: "00-\(traceID)-b7ad6b7169203331-01")
        )
        telemetry.requestStarted(trace)
        trace.enter(.middleware)
        let refused = Request(.get, "/", headers: ["X-Refuse": "413"], trace: trace)
        #expect(await pipeline.respond(to: refused).status == 413)
        telemetry.requestEnded(trace, RequestSummary(status: 413))
        let kept = try #require(telemetry.traces.find(traceID).first)
        let facts = kept.facts(of: 0).map(\.key)
        #expect(facts.contains("lucarne.middleware.trace_headers_ns"))
        #expect(facts.contains("lucarne.middleware.doorman_ns"))
        let texts = kept.facts(of: 0).compactMap { fact in
            if case .text(let text) = fact.value { "\(fact.key)=\(text)" } else { nil }
        }
        #expect(texts.contains("lucarne.middleware.rejected_by=doorman"))
        #expect(texts.contains("lucarne.middleware.rejection=too_large"))
    }

    private let traceID = "0af7651916cd43dd8448eb211c80319b"

    @Test func `a response says under which ids it is known`() async throws {
        let caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        let trace = RequestTrace(
            startedAt: uptimeNanoseconds(),
            context: TraceContext(accepting: caller),
            requestID: "abc"
        )
        let headers = await ask(TraceHeaders(), Request(.get, "/", trace: trace))
        let traceparent = try #require(headers["traceparent"])
        #expect(traceparent.hasPrefix("00-0af7651916cd43dd8448eb211c80319c-"))
        #expect(!traceparent.contains("b7ad6b7169203331"))
        #expect(headers["X-Request-Id"] == "abc")
        #expect(headers["Server-Timing"]?.hasSuffix("traceparent;desc=\"\(traceparent)\"") == true)
    }

    @Test func `the time of each layer is in Server-Timing, in milliseconds`() async throws {
        let trace = RequestTrace(startedAt: 0, context: .restarted())
        trace.enter(.middleware, named: "middleware", at: 1_500_000)
        trace.enter(.sql, named: "sql", at: 2_500_000)
        trace.leave(to: .middleware, failed: false, at: 14_512_345)
        let headers = await ask(TraceHeaders(), Request(.get, "/", trace: trace))
        let timing = try #require(headers["Server-Timing"])
        // Nothing is the middleware's from here on: what the header says is all there will be.
        trace.beginWriting()
        trace.end()
        let middleware = trace.selfNanoseconds(.middleware) / 1_000
        let text = "\(middleware / 1_000).\(String(middleware % 1_000 + 1_000).dropFirst())"
        #expect(timing.hasPrefix("parse;dur=1.500, middleware;dur=\(text), sql;dur=12.012, "))
        #expect((0..<trace.spanCount).count { trace.span($0).layer == .write } == 1)
    }

    @Test func `a feature that times itself is not contradicted`() async {
        let response = Response(status: 200, headers: ["Server-Timing": "jwt;dur=1.0"])
        let headers = await ask(TraceHeaders(), Request(.get, "/"), response)
        let values = headers.values(of: "Server-Timing")
        #expect(values.count == 2)
        #expect(values[0] == "jwt;dur=1.0")
        #expect(values[1].hasPrefix("traceparent;desc="))
    }

    @Test func `errors are not cached, and content is what its type says`() async {
        let fine = await ask(SecurityHeaders(), Request(.get, "/"))
        #expect(fine["X-Content-Type-Options"] == "nosniff")
        #expect(fine["Cache-Control"] == nil)
        let missing = await ask(SecurityHeaders(), Request(.get, "/none"))
        #expect(missing.values(of: "Cache-Control") == ["no-store"])
    }

    @Test(
        arguments: [
            ("Foo,Bar", "Authorization, Foo, Bar, Accept, Accept-Language, Content-Language"),
            (
                " x-a , accept-language\t",
                "Authorization, x-a, accept-language, Accept, Content-Language"
            ),
            (nil, nil),
        ] as [(String?, String?)]
    )
    func `a preflight is answered before any route`(asked: String?, allowed: String?) async {
        var fields: HeaderFields = [
            "Origin": "http://example.com", "Access-Control-Request-Method": "POST",
        ]
        if let asked { fields.append("Access-Control-Request-Headers", asked) }
        let headers = await ask(CrossOriginAccess(), Request(.options, "/", headers: fields))
        #expect(headers.values(of: "Access-Control-Allow-Origin") == ["*"])
        #expect(
            headers["Access-Control-Allow-Methods"]
                == "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
        )
        #expect(headers["Access-Control-Allow-Headers"] == allowed)
        #expect(headers["Access-Control-Max-Age"] == "86400")
    }

    @Test(
        arguments: [
            ([], "http://a.example", "*"),
            (["http://a.example"], "http://a.example", "http://a.example"),
            (["http://a.example"], "http://b.example", nil),
            (["http://a.example"], nil, nil),
            ([], nil, nil),
        ] as [([String], String?, String?)]
    )
    func `an origin may read what it is allowed to`(
        allowed: [String],
        origin: String?,
        granted: String?
    ) async {
        let headers: HeaderFields = origin.map { ["Origin": $0] } ?? [:]
        let response = await ask(
            CrossOriginAccess(allowedOrigins: allowed),
            Request(.get, "/", headers: headers)
        )
        #expect(response["Access-Control-Allow-Origin"] == granted)
        #expect(response.contains("Access-Control-Expose-Headers") == (granted != nil))
        #expect(response["Timing-Allow-Origin"] == granted)
        #expect(response["Vary"] == (allowed.isEmpty ? nil : "Origin"))
    }

    @Test(arguments: [Method.get, .options, .post])
    func `a page of another origin learns nothing of a closed route`(_ method: Method) async {
        let access = CrossOriginAccess(closed: ["/"])
        let asked: HeaderFields = [
            "Origin": "http://a.example", "Access-Control-Request-Method": "GET",
        ]
        let headers = await ask(access, Request(method, "/", headers: asked))
        #expect(!headers.contains("Access-Control-Allow-Origin"))
        #expect(!headers.contains("Access-Control-Allow-Methods"))
        let other = await ask(access, Request(method, "/none", headers: asked))
        #expect(other["Access-Control-Allow-Origin"] == "*")
    }
}
