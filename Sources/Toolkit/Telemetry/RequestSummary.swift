// SPDX-License-Identifier: Apache-2.0

/// Why a request ended without a complete response.
package enum AbortReason: UInt8, CaseIterable, Sendable {
    case clientClosed, deadline, shutdown

    package var label: StaticString {
        switch self {
        case .clientClosed: "client_closed"
        case .deadline: "deadline"
        case .shutdown: "shutdown"
        }
    }
}

/// What the server knows when a request is over. Bytes stay bytes: a log line is made of them.
///
/// Looked at, never copied: a copy would count half a dozen references.
package struct RequestSummary: ~Copyable, Sendable {
    package var status: Int
    package var requestBytes = 0
    package var responseBytes = 0
    /// The path as sent, still percent-encoded, without the query.
    package var path: ArraySlice<UInt8> = []
    /// What followed the question mark; secrets in it are masked before it is logged.
    package var query: ArraySlice<UInt8> = []
    package var clientAddress = ""
    package var userAgent: ArraySlice<UInt8> = []
    /// A problem's kind (`not_found`), where there was one.
    package var errorType: String?
    /// A problem's stable code (`PGRST116`, `42501`).
    package var errorCode: String?
    package var errorMessage: String?
    package var aborted: AbortReason?
    /// Uptime at which the response's first byte was written; 0 when none was.
    package var firstByteAt: UInt64 = 0
    /// Uptime at which the last byte was written or the peer left; 0 means now.
    package var endedAt: UInt64 = 0
    /// A 101 or an event stream: counted, but its life is no latency.
    package var isLongLived = false

    package init(status: Int) { self.status = status }
}
