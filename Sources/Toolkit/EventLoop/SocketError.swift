// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Why a socket could not do what was asked.
package enum SocketError: Error, Equatable, CustomStringConvertible {
    /// Closed on this side while somebody waited.
    case closed
    case timedOut
    case addressInvalid(String)
    case system(errno: Int32, call: String)

    package var description: String {
        switch self {
        case .closed: "the socket was closed"
        case .timedOut: "the deadline passed"
        case .addressInvalid(let text): "\(text) is not an address (host:port or unix:/path)"
        case .system(let errno, let call): "\(call): \(Self.words(for: errno))"
        }
    }

    private static func words(for errno: Int32) -> String {
        unsafe strerror(errno).map { unsafe String(cString: $0) } ?? "error \(errno)"
    }
}
