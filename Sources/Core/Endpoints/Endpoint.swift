// SPDX-License-Identifier: Apache-2.0
package import Cryptography
package import HTTPServer
package import LucarneCore
import Telemetry

/// A feature's HTTP side, in its steps: authenticate, decode, perform, encode.
///
/// The one place where controllers and services are measured: a feature gives its steps, and the
/// time and the outcome of each are known.
package struct Endpoint: Sendable {
    /// Which step came to nothing, and why.
    package enum Refusal: Sendable {
        case token(TokenFailure)
        case problem(Problem, isAnonymous: Bool)
    }

    private let controller: Boundary
    private let service: Boundary
    private let timeout: UInt64

    private static var authentication: Boundary { Boundary(.auth, "authenticate") }
    private static var validation: Boundary { Boundary(.validate, "decode") }
    private static var serialization: Boundary { Boundary(.serialize, "encode") }

    /// `timeout`: nanoseconds after which what a request has begun is given up.
    package init(_ name: StaticString, timeout: UInt64) {
        controller = Boundary(.controller, name)
        service = Boundary(.service, name)
        self.timeout = timeout
    }

    /// Runs the steps in their order. What one of them throws becomes an output by `refuse`, so
    /// that a dialect has one place for what its answers look like.
    package func respond<Input, Output>(
        to request: Request,
        authenticate: (Request) throws(TokenFailure) -> Identity,
        decode: (Request) throws(Problem) -> Input,
        perform: (Input, RequestContext) async throws(Problem) -> Output,
        refuse: (Refusal) -> Output,
        encode: (Output) -> Response
    ) async -> Response {
        await controller.measure(in: request) { (request: Request) async -> Response in
            let output: Output
            do throws(TokenFailure) {
                let identity = try Self.authentication.measure(in: request) {
                    (request: Request) throws(TokenFailure) -> Identity in
                    try authenticate(request)
                }
                request.trace.role = identity.role
                request.trace.user = identity.subject
                output = await serve(request, identity, decode, perform, refuse)
            } catch {
                output = refuse(.token(error))
            }
            return Self.serialization.measure(in: request) { _ in encode(output) }
        }
    }

    private func serve<Input, Output>(
        _ request: Request,
        _ identity: Identity,
        _ decode: (Request) throws(Problem) -> Input,
        _ perform: (Input, RequestContext) async throws(Problem) -> Output,
        _ refuse: (Refusal) -> Output
    ) async -> Output {
        do throws(Problem) {
            let input = try Self.validation.measure(in: request) {
                (request: Request) throws(Problem) -> Input in try decode(request)
            }
            let context = RequestContext(
                identity: identity,
                deadline: request.trace.startedAt &+ timeout,
                trace: request.trace,
                cancellation: request.cancellation
            )
            return try await service.measure(in: context) {
                (context: RequestContext) async throws(Problem) -> Output in
                try await perform(input, context)
            }
        } catch {
            if let part = error.part { request.trace.route?.refused(for: part) }
            return refuse(.problem(error, isAnonymous: identity.isAnonymous))
        }
    }
}
