// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// What is to be done with the target (RFC 9110 §9). Case-sensitive; other tokens are kept.
package enum Method: Hashable, Sendable {
    case get, head, post, put, patch, delete, options, trace, connect
    case other(String)

    package init(_ token: String) {
        self =
            switch token {
            case "GET": .get
            case "HEAD": .head
            case "POST": .post
            case "PUT": .put
            case "PATCH": .patch
            case "DELETE": .delete
            case "OPTIONS": .options
            case "TRACE": .trace
            case "CONNECT": .connect
            default: .other(token)
            }
    }

    package var text: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        case .other(let token): token
        }
    }

    /// The word on metrics: closed, whatever clients send.
    package var label: RequestMethod {
        switch self {
        case .get: .get
        case .head: .head
        case .post: .post
        case .put: .put
        case .patch: .patch
        case .delete: .delete
        case .options: .options
        case .trace, .connect, .other: .other
        }
    }
}
