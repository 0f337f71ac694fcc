// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Endpoints
import HTTPServer
import LucarneCore
import Telemetry
import Testing

/// Doubles a number below a hundred, for whoever says who they are.
private func double(_ request: Request) async -> Response {
    await Endpoint("test.double", timeout: 1_000_000_000).respond(
        to: request,
        authenticate: { request throws(TokenFailure) in
            guard request.headers.contains("X-Role") else { throw .tokenMissing }
            return Identity(role: "someone", claims: "{}", isAnonymous: false)
        },
        decode: { request throws(Problem) in
            guard let number = Int(request.query ?? "") else {
                throw Problem(.invalidInput, code: "E1", "no number")
            }
            return number
        },
        perform: { (number: Int, context: RequestContext) async throws(Problem) -> String in
            guard number < 100 else { throw Problem(.forbidden, code: "42501", "too large") }
            return "\(context.identity.role): \(number * 2)"
        },
        refuse: { refusal in
            switch refusal {
            case .token(let failure): failure.code
            case .problem(let problem, _): problem.code
            }
        },
        encode: { Response(status: 200, contentType: "text/plain", $0) }
    )
}

struct EndpointTests {
    private let role: HeaderFields = ["X-Role": "someone"]

    @Test(arguments: [("/?21", "someone: 42"), ("/?x", "E1"), ("/?100", "42501")])
    func `an endpoint's steps come to an output, or to the reason why not`(
        target: String,
        body: String
    ) async throws {
        let response = await double(Request(.get, target, headers: role))
        #expect(try await response.collectedBody() == Array(body.utf8))
    }

    @Test func `whoever is not known is refused before anything is decoded`() async throws {
        let response = await double(Request(.get, "/?x"))
        #expect(try await response.collectedBody() == Array("PGRST302".utf8))
    }

    @Test func `each step is measured once`() async {
        let request = Request(.get, "/?1", headers: role)
        _ = await double(request)
        let layers = (0..<request.trace.spanCount).map { request.trace.span($0).layer }
        #expect(layers == [.controller, .auth, .validate, .service, .serialize])
        #expect(request.trace.role == "someone")
    }
}
