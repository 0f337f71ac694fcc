// SPDX-License-Identifier: Apache-2.0

/// Everything that grows has a maximum, everything that waits a deadline.
package struct ServerLimits: Sendable {
    /// The head: request line and fields (431; 414 while it is still the request line).
    package var headerBytesMax = 32 * 1024
    package var headerCountMax = 100
    package var targetBytesMax = 16 * 1024
    /// Above any route's own maximum.
    package var bodyBytesMax = 32 << 20
    /// The bodies of requests that are read or answered and of responses that their peers have not
    /// taken, together, without the first 64 KiB of each. On top of it a request is refused (503) and
    /// a response is for who takes it in a second. What a route streams is not held.
    package var heldBytesMax = 256 << 20
    /// From a request's first byte to the end of its head (408).
    package var headerReadTimeout: Duration = .seconds(10)
    /// From the end of the head to the end of the body (408).
    package var bodyReadTimeout: Duration = .seconds(60)
    /// Between requests, and before the first: the connection is closed without a word.
    package var idleTimeout: Duration = .seconds(75)
    /// For the peer to take some of a response, and, with a second more for each 64 KiB, all of it;
    /// and for it to take one piece of a streamed one. Then it is dropped.
    package var writeTimeout: Duration = .seconds(30)
    /// How long a peer that may be sending still may take to read its last answer before the connection
    /// goes.
    package var lingerTimeout: Duration = .seconds(2)
    /// Over all loops. Beyond it: 503 and closed.
    package var connectionsMax = 10_000
    /// Responses at least this long are compressed for those who accept it.
    package var compressBytesMin = 1_024

    package init() {}
}
