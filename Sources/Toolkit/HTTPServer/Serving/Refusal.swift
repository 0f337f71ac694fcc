// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// What the server says when no route has a say.
package struct Refusal: Sendable {
    package var status: Int
    /// Stable and greppable.
    package var code: String
    /// A problem's kind, as metrics count it.
    package var type: String
    package var message: String
    /// The methods a known path has (405).
    package var allow: String?
    /// What the refusal can be asked about by.
    package var trace: RequestTrace?

    /// Renders a refusal in the words of whoever owns the listener.
    package typealias Render = @Sendable (Refusal) -> Response

    package init(status: Int, code: String, type: String, message: String, allow: String? = nil) {
        self.status = status
        self.code = code
        self.type = type
        self.message = message
        self.allow = allow
    }

    init(_ malformed: Malformed) {
        self.init(
            status: malformed.status,
            code: malformed.status == 413 ? "body_too_large" : "bad_request",
            type: malformed.status == 413 ? "too_large" : "invalid_input",
            message: malformed.explanation
        )
    }

    static let notFound = Refusal(
        status: 404,
        code: "not_found",
        type: "not_found",
        message: "nothing is served at this path"
    )
    static let malformedPath = Refusal(
        status: 400,
        code: "bad_path",
        type: "invalid_input",
        message: "the path has an escape or a segment that is not allowed"
    )
    static let timedOut = Refusal(
        status: 408,
        code: "request_timeout",
        type: "timed_out",
        message: "the request did not arrive in time"
    )
    static let tooManyConnections = Refusal(
        status: 503,
        code: "too_many_connections",
        type: "overloaded",
        message: "the server has all the connections it takes"
    )
    static let tooMuchHeld = Refusal(
        status: 503,
        code: "too_many_bytes",
        type: "overloaded",
        message: "the server holds all the bytes of requests and responses that it takes"
    )
    static let failed = Refusal(
        status: 500,
        code: "internal",
        type: "internal_failure",
        message: "the response could not be produced"
    )

    static func methodNotAllowed(_ allow: String) -> Refusal {
        Refusal(
            status: 405,
            code: "method_not_allowed",
            type: "method_not_allowed",
            message: "this path does not have that method",
            allow: allow
        )
    }
}

extension Response {
    /// The neutral form of a refusal. A request id is taken without quotes only, and codes are
    /// ours; in the message there may be what somebody asked.
    package init(neutral refusal: Refusal) {
        var body =
            #"{"code":"\#(refusal.code)","details":null,"hint":null,"#
            + #""message":"\#(Self.escaped(refusal.message))""#
        if let trace = refusal.trace {
            body += #","request_id":"\#(trace.requestID)""#
            body += #","trace_id":"\#(trace.context.traceIDText)""#
        }
        body += "}"
        self.init(status: refusal.status, contentType: "application/json", body)
        headers.append("Cache-Control", "no-store")
        if let allow = refusal.allow { headers.append("Allow", allow) }
        if refusal.status == 503 { headers.append("Retry-After", "1") }
    }

    /// For a text in JSON (RFC 8259 §7).
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": escaped += "\\\(scalar)"
            case "\0"..<" ":
                escaped +=
                    "\\u00" + (scalar.value < 16 ? "0" : "")
                    + String(scalar.value, radix: 16)
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
