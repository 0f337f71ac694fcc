// SPDX-License-Identifier: Apache-2.0
import Endpoints
import HTTPServer
import LucarneCore
import Telemetry
import Testing

private func context(_ request: Request, isAnonymous: Bool = false) -> RequestContext {
    RequestContext(
        identity: Identity(role: "someone", claims: "{}", isAnonymous: isAnonymous),
        trace: request.trace
    )
}

struct EndpointTests {
    private let doubling = Endpoint<Int, Int>(
        "test.double",
        decode: { request throws(Problem) in
            guard let number = Int(request.query ?? "") else {
                throw Problem(.invalidInput, code: "E1", "no \"number\"", hint: "send one")
            }
            return number
        },
        perform: { number, _ throws(Problem) in
            guard number < 100 else { throw Problem(.forbidden, code: "42501", "too large") }
            return number * 2
        },
        encode: { Response(status: 200, contentType: "text/plain", "\($0)") }
    )

    @Test func `an endpoint decodes, performs and encodes`() async throws {
        let request = Request(.get, "/?21")
        let response = await doubling.respond(to: request, in: context(request))
        #expect(response.status == 200)
        #expect(try await response.collectedBody() == Array("42".utf8))
    }

    @Test(arguments: [("/?x", false, 400), ("/?100", false, 403), ("/?100", true, 401)])
    func `what a step throws is the answer`(
        target: String,
        isAnonymous: Bool,
        status: Int
    ) async {
        let request = Request(.get, target)
        let context = context(request, isAnonymous: isAnonymous)
        let response = await doubling.respond(to: request, in: context)
        #expect(response.status == status)
        #expect(response.headers.contains("WWW-Authenticate") == (status == 401))
        #expect(response.failure?.code == (status == 400 ? "E1" : "42501"))
    }

    @Test func `controller and service are measured, and nothing else need be`() async {
        let request = Request(.get, "/?1")
        _ = await doubling.respond(to: request, in: context(request))
        let names = (0..<request.trace.spanCount).map { "\(request.trace.span($0).name)" }
        #expect(names == ["test.double", "decode", "test.double", "encode"])
        let layers = (0..<request.trace.spanCount).map { request.trace.span($0).layer }
        #expect(layers == [.controller, .validate, .service, .serialize])
    }

    @Test func `a problem's kind has one status`() {
        let statuses = Problem.Kind.allCases.map {
            Problem($0, code: "x", "").status(isAnonymous: false)
        }
        #expect(
            statuses == [
                400, 401, 403, 404, 405, 406, 409, 300, 416, 413, 415, 503, 503, 504, 499, 500,
            ]
        )
    }
}

struct ProblemFormTests {
    private let problem = Problem(
        .overloaded,
        code: "PGRST003",
        "a \"quoted\" line\nand another",
        hint: "later",
        retryAfter: 2
    )

    @Test func `PostgREST's form has its four keys and no other`() async throws {
        let response = ProblemForm.postgREST(problem, Request(.get, "/"), isAnonymous: true)
        let expected =
            #"{"code":"PGRST003","details":null,"hint":"later","#
            + #""message":"a \"quoted\" line\nand another"}"#
        #expect(String(decoding: try await response.collectedBody(), as: UTF8.self) == expected)
        #expect(response.status == 503)
        #expect(response.headers["Retry-After"] == "2")
    }

    @Test func `the neutral form says under which ids the logs know it`() async throws {
        let request = Request(.get, "/")
        let response = ProblemForm.neutral(problem, request, isAnonymous: true)
        let body = String(decoding: try await response.collectedBody(), as: UTF8.self)
        #expect(body.contains(#""request_id":"\#(request.trace.requestID)""#))
        #expect(body.hasSuffix(#""trace_id":"\#(request.trace.context.traceIDText)"}"#))
    }
}
