// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
package import LucarneCore
import Telemetry

/// A named piece of a feature's HTTP side, in three steps: decode, perform, encode.
///
/// The one place where controllers and services are measured: a feature names its steps, and the
/// time and the outcome of each are known.
package struct Endpoint<Input: Sendable, Output: Sendable>: Sendable {
    package typealias Decode = @Sendable (Request) throws(Problem) -> Input
    package typealias Perform = @Sendable (Input, RequestContext) async throws(Problem) -> Output
    package typealias Encode = @Sendable (Output) -> Response

    private let controller: Boundary
    private let service: Boundary
    private let decode: Decode
    private let perform: Perform
    private let encode: Encode
    private let refuse: ProblemForm

    private static var validation: Boundary { Boundary(.validate, "decode") }
    private static var serialization: Boundary { Boundary(.serialize, "encode") }

    package init(
        _ name: StaticString,
        refusingIn form: ProblemForm = .neutral,
        decode: @escaping Decode,
        perform: @escaping Perform,
        encode: @escaping Encode
    ) {
        controller = Boundary(.controller, name)
        service = Boundary(.service, name)
        refuse = form
        self.decode = decode
        self.perform = perform
        self.encode = encode
    }

    package func respond(to request: Request, in context: RequestContext) async -> Response {
        do throws(Problem) {
            return try await controller.measure(in: context) {
                (context: RequestContext) async throws(Problem) -> Response in
                let input = try Self.validation.measure(in: context) {
                    (_: RequestContext) throws(Problem) -> Input in try decode(request)
                }
                let output = try await service.measure(in: context) {
                    (context: RequestContext) async throws(Problem) -> Output in
                    try await perform(input, context)
                }
                return Self.serialization.measure(in: context) { _ in encode(output) }
            }
        } catch {
            return refuse(error, request, isAnonymous: context.identity.isAnonymous)
        }
    }
}
