// SPDX-License-Identifier: Apache-2.0

/// A request's head, as ranges into the bytes it was parsed from.
struct RequestHead: Sendable {
    /// How long the body is, and how that is known (RFC 9112 §6.3).
    enum Framing: Equatable, Sendable {
        case none
        case length(Int)
        case chunked
    }

    var method: Method
    var version: HTTPVersion
    var path: Range<Int>
    var query: Range<Int>?
    var fields: [HeaderFields.Entry]
    var framing: Framing
    /// The client is willing to send another request on this connection.
    var keepsAlive: Bool
    var expectsContinue: Bool
    /// The head's length, its empty line included.
    var byteCount: Int
}
