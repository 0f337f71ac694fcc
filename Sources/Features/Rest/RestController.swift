// SPDX-License-Identifier: Apache-2.0
import Cryptography
import Endpoints
package import HTTPServer
import LucarneCore
import QueryPlanner
import Telemetry

/// REST's HTTP side: who asks, what they ask, and what they are told.
package struct RestController: Sendable {
    private let service: RestService
    private let states: RestStates
    private let mount: String
    private let endpoint: Endpoint

    /// `timeout`: nanoseconds after which a request's statements are given up.
    package init(
        service: RestService,
        states: RestStates,
        mount: String,
        timeout: UInt64 = 60_000_000_000
    ) {
        self.service = service
        self.states = states
        self.mount = mount == "/" ? "" : mount
        endpoint = Endpoint("rest", timeout: timeout)
    }

    /// Whether a browser's request for a page may be answered with one, because no relation is
    /// called so.
    func leavesRoom(for name: String, to request: Request) -> Bool {
        guard request.method.text == "GET" || request.method.text == "HEAD",
            request.headers["accept"]?.contains("text/html") == true
        else { return false }
        guard let state = states.current else { return true }
        return state.settings.schemas.allSatisfy { schema in
            state.catalog.table(QualifiedName(schema, name)) == nil
        }
    }

    package func respond(to request: Request) async -> Response {
        guard let state = states.current else {
            let reply = RestReply(refusing: .noCatalog, isAnonymous: true, RestSettings())
            return Response(reply, to: request, under: nil)
        }
        var request = request
        if var granted = state.crossOrigin.before(&request) {
            granted.headers.append("Vary", Response.variesBy)
            granted.echo(state.settings.traceHeader, of: request)
            return granted
        }
        return await endpoint.respond(
            to: request,
            authenticate: { request throws(TokenFailure) in
                let (token, scheme) = Self.credential(of: request)
                return try state.authenticator.identify(
                    token,
                    shownAs: scheme,
                    in: request.trace
                )
            },
            decode: { request throws(Problem) in
                try RestInput(RestMessage(request, mount: mount), under: state)
            },
            perform: { decoded, context throws(Problem) in
                try await service.respond(to: decoded, under: state, in: context)
            },
            refuse: { RestReply(refusing: $0, state.settings) },
            encode: { encode($0, to: request, state) }
        )
    }

    private func encode(
        _ reply: RestReply,
        to request: Request,
        _ state: RestState
    ) -> Response {
        var response = Response(reply, to: request, under: state)
        state.crossOrigin.after(request, &response)
        if state.settings.serverTimingEnabled, reply.problem == nil {
            // Five stages of at most 16 letters and 20 digits.
            response.headers.append("Server-Timing", room: 256) {
                ServerTiming.append(request.trace, to: &$0)
            }
        }
        return response
    }

    /// The bearer token, or the key that some clients send beside it or in its place.
    private static func credential(
        of request: Request
    ) -> (token: ArraySlice<UInt8>?, scheme: AuthenticationEvent.Scheme) {
        if let header = request.headers.bytes(of: "authorization"),
            let token = Authenticator.bearerToken(header)
        {
            return (token, .bearer)
        }
        if let key = request.headers.bytes(of: "apikey") { return (key, .apiKey) }
        guard let query = request.queryBytes else { return (nil, .anonymous) }
        let parameters = QueryParameter.split(query)
        let key = parameters.first { $0.name.elementsEqual("apikey".utf8) }?.value
        return (key?[...], .apiKey)
    }
}

extension RestMessage {
    fileprivate init(_ request: Request, mount: String) {
        let path = request.pathBytes.dropFirst(mount.utf8.count)
        self.init(
            method: request.method.text,
            path: String(decoding: path, as: UTF8.self),
            query: request.queryBytes ?? [],
            headers: request.headers,
            body: request.body
        )
    }
}

/// The time a request's stages took, under the names PostgREST gives them.
enum ServerTiming {
    static func append(_ trace: RequestTrace, to value: inout OutputSpan<UInt8>) {
        func add(_ name: StaticString, _ nanoseconds: UInt64) {
            value.append(name)
            value.append(milliseconds: nanoseconds, decimals: 1)
        }
        add("jwt;dur=", trace.selfNanoseconds(.auth))
        add(", parse;dur=", trace.selfNanoseconds(.validate))
        add(", plan;dur=", trace.selfNanoseconds(.service))
        let transaction = trace.selfNanoseconds(.poolWait) + trace.selfNanoseconds(.sql)
        add(", transaction;dur=", transaction)
        add(", response;dur=", trace.selfNanoseconds(.serialize))
    }
}

extension RestReply {
    fileprivate init(refusing refusal: Endpoint.Refusal, _ settings: RestSettings) {
        switch refusal {
        case .token(let failure): self.init(refusing: failure, settings)
        case .problem(let problem, let isAnonymous):
            self.init(refusing: problem, isAnonymous: isAnonymous, settings)
        }
    }
}
