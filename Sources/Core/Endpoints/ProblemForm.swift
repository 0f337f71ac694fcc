// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
import JSONCoding
package import LucarneCore
import Telemetry

/// How a dialect writes a problem. The status is not the dialect's to choose.
package struct ProblemForm: Sendable {
    package typealias Write = @Sendable (Problem, Request, inout [UInt8]) -> Void

    private let contentType: String
    private let write: Write

    package init(contentType: String = "application/json; charset=utf-8", write: @escaping Write) {
        self.contentType = contentType
        self.write = write
    }

    /// `code`, `details`, `hint`, `message`, and the ids under which the logs know the request.
    package static let neutral = ProblemForm { problem, request, body in
        body.append(contentsOf: "{".utf8)
        appendWords(of: problem, to: &body)
        body.append(contentsOf: #","request_id":"#.utf8)
        appendJSONString(request.trace.requestID, to: &body)
        body.append(contentsOf: #","trace_id":"#.utf8)
        appendJSONString(request.trace.context.traceIDText, to: &body)
        body.append(contentsOf: "}".utf8)
    }

    /// Exactly PostgREST's four keys, for clients that know no other. The ids are headers.
    package static let postgREST = ProblemForm { problem, _, body in
        body.append(contentsOf: "{".utf8)
        appendWords(of: problem, to: &body)
        body.append(contentsOf: "}".utf8)
    }

    package func callAsFunction(
        _ problem: Problem,
        _ request: Request,
        isAnonymous: Bool
    ) -> Response {
        var body: [UInt8] = []
        write(problem, request, &body)
        var response = Response(
            status: problem.status(isAnonymous: isAnonymous),
            headers: ["Content-Type": contentType],
            body: .bytes(body),
            failure: .init(
                type: problem.kind.rawValue,
                code: problem.code,
                message: problem.message
            )
        )
        if let seconds = problem.retryAfter {
            response.headers.append("Retry-After", "\(seconds)")
        }
        if response.status == 401 { response.headers.append("WWW-Authenticate", "Bearer") }
        return response
    }

    private static func appendWords(of problem: Problem, to body: inout [UInt8]) {
        append("code", problem.code, to: &body)
        body.append(UInt8(ascii: ","))
        append("details", problem.details, to: &body)
        body.append(UInt8(ascii: ","))
        append("hint", problem.hint, to: &body)
        body.append(UInt8(ascii: ","))
        append("message", problem.message, to: &body)
    }

    private static func append(_ key: String, _ text: String?, to body: inout [UInt8]) {
        appendJSONString(key, to: &body)
        body.append(UInt8(ascii: ":"))
        guard let text else { return body.append(contentsOf: "null".utf8) }
        appendJSONString(text, to: &body)
    }
}
