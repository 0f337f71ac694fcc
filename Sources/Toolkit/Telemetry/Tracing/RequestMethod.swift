// SPDX-License-Identifier: Apache-2.0

/// A request's method as a label: seven known words and `_OTHER`, whatever is sent.
package enum RequestMethod: UInt8, CaseIterable, Sendable {
    case get, head, post, put, patch, delete, options, other

    package var label: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: "_OTHER"
        }
    }
}
