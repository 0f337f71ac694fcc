// SPDX-License-Identifier: Apache-2.0
import CLibpq
import EventLoop

/// What arrived on a channel (PostgreSQL: NOTIFY).
package struct Notification: Equatable, Sendable {
    package var channel: String
    package var payload: String
}

extension Session {
    /// From here on, what is notified on the channels is there for whoever calls `listen`.
    package func subscribe(to channels: [String]) async throws(PostgresFailure) {
        for channel in channels {
            let quoted = channel.split(separator: "\"", omittingEmptySubsequences: false)
                .joined(separator: "\"\"")
            let listen = Query("LISTEN \"\(quoted)\"", isPrepared: false)
            _ = try await exchange([listen], deadline: uptime() &+ 10_000_000_000)
        }
    }

    /// Listens on the channels and calls `body` for each notification, until the connection
    /// ends, which it says by throwing. `ready` is called once the server listens. When nothing
    /// has come for `pause` (nanoseconds), the server is asked whether it is still there.
    package func listen(
        to channels: [String],
        pause: UInt64 = 30_000_000_000,
        ready: () -> Void,
        _ body: (Notification) async -> Void
    ) async throws(PostgresFailure) {
        try await subscribe(to: channels)
        ready()
        while true {
            while let notification = nextNotification() { await body(notification) }
            guard try await !hasInput(within: pause) else { continue }
            let deadline = uptime() &+ min(pause, 5_000_000_000)
            _ = try await exchange([Query("SELECT 1", isPrepared: false)], deadline: deadline)
        }
    }
}
