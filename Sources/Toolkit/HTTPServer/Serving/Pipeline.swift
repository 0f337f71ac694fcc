// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// From a request to its response: middleware, route, middleware. The same with a wire and
/// without one.
package struct Pipeline: Sendable {
    package let router: Router
    package let middleware: [any Middleware]
    private let telemetry: MiddlewareTelemetry?
    private let render: Refusal.Render

    package init(
        router: Router,
        middleware: [any Middleware] = [],
        telemetry: MiddlewareTelemetry? = nil,
        refuse: @escaping Refusal.Render = Response.init(neutral:)
    ) {
        self.router = router
        self.middleware = middleware
        self.telemetry = telemetry
        render = refuse
    }

    /// Answers a request in memory.
    package func respond(to request: Request) async -> Response {
        var request = request
        let match = router.match(request.method, path: request.pathBytes)
        request.trace.route = match.route?.telemetry
        return await respond(to: &request, as: match)
    }

    func respond(to request: inout Request, as match: RouteMatch) async -> Response {
        guard let telemetry, telemetry.measures(request.trace) else {
            for (position, layer) in middleware.enumerated() {
                guard let response = layer.before(&request) else { continue }
                telemetry?.rejected(by: position, status: response.status, in: request.trace)
                return finished(response, request)
            }
            return finished(await answer(&request, match), request)
        }
        return await measured(&request, match, telemetry)
    }

    /// The same with a clock. Where one middleware ends, the next begins.
    private func measured(
        _ request: inout Request,
        _ match: RouteMatch,
        _ telemetry: MiddlewareTelemetry
    ) async -> Response {
        var watch = MiddlewareWatch(telemetry)
        var early: Response?
        for (position, layer) in middleware.enumerated() where early == nil {
            early = layer.before(&request)
            watch.passed(position)
            guard let early else { continue }
            telemetry.rejected(by: position, status: early.status, in: request.trace)
        }
        var response: Response
        if let early { response = early } else { response = await answer(&request, match) }
        watch.start()
        for position in middleware.indices.reversed() {
            middleware[position].after(request, &response)
            watch.passed(position)
        }
        watch.finish(in: request.trace)
        return response
    }

    func refuse(_ refusal: Refusal, _ request: Request) -> Response {
        finished(refuse(refusal, under: request.trace), request)
    }

    private func refuse(_ refusal: Refusal, under trace: RequestTrace) -> Response {
        var refusal = refusal
        refusal.trace = trace
        var response = render(refusal)
        response.failure =
            response.failure
            ?? Response.Failure(type: refusal.type, code: refusal.code, message: refusal.message)
        return response
    }

    private func answer(_ request: inout Request, _ match: RouteMatch) async -> Response {
        switch match {
        case .found(let route, let parameters):
            request.pathParameters = parameters
            return await route.respond(request)
        case .methodNotAllowed(let allow, _):
            guard request.method == .options else {
                return refuse(.methodNotAllowed(allow), under: request.trace)
            }
            return Response(status: 204, headers: ["Allow": allow])
        case .notFound where request.method == .options && request.path == "*":
            // RFC 9110 §9.3.7: about the server as a whole; a ping for HTTP.
            return Response(status: 204)
        case .notFound: return refuse(.notFound, under: request.trace)
        case .malformedPath: return refuse(.malformedPath, under: request.trace)
        }
    }

    private func finished(_ response: Response, _ request: Request) -> Response {
        var response = response
        for layer in middleware.reversed() { layer.after(request, &response) }
        return response
    }
}

extension RouteMatch {
    /// Whose figures the request counts among; nil for `_unmatched`.
    var route: Route? {
        switch self {
        case .found(let route, _), .methodNotAllowed(_, let route): route
        case .notFound, .malformedPath: nil
        }
    }

    /// Bodies that nobody will read are taken up to here, so that the answer can be.
    private static let unreadBytesMax = 64 * 1_024

    var bodyBytesMax: Int {
        if case .found(let route, _) = self { route.bodyBytesMax } else { Self.unreadBytesMax }
    }

    var isFound: Bool {
        if case .found = self { true } else { false }
    }
}
