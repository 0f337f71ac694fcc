// SPDX-License-Identifier: Apache-2.0

/// Facts that other targets report. What becomes of one (a counter, a record, both, nothing) is
/// decided here. All labels are enums: no request can add a series.

/// A closed enum whose cases are the values of a label.
package protocol EventLabel: RawRepresentable, CaseIterable, Sendable where RawValue == String {}

package enum Listener: String, EventLabel { case `public`, admin }

/// A client connection's life.
package enum ConnectionEvent: Sendable {
    package enum CloseReason: String, EventLabel {
        case client, shutdown, limit, error
        case idleTimeout = "keepalive_timeout"
        case readTimeout = "read_timeout"
        case writeTimeout = "write_timeout"
        case parseError = "parse_error"
    }

    package enum ParseErrorReason: String, EventLabel {
        case badRequestLine = "bad_request_line"
        case badHeader = "bad_header"
        case headerTooLarge = "header_too_large"
        case targetTooLong = "target_too_long"
        case bodyTooLarge = "body_too_large"
        case unsupportedVersion = "unsupported_version"
        case unsupportedEncoding = "unsupported_encoding"
        case smuggling
        case timeout
    }

    case accepted
    /// Waits for the next request.
    case becameIdle
    /// Reads or answers a request again.
    case becameActive
    /// `wasIdle`: which of the two it was when it ended.
    case closed(CloseReason, wasIdle: Bool)
}

/// Who a request said it was, and whether that was believed.
package enum AuthenticationEvent: Sendable {
    package enum Scheme: String, EventLabel {
        case bearer, session, anonymous
        case apiKey = "api_key"
        /// Whoever looks inside.
        case operations
    }

    package enum Outcome: String, EventLabel {
        case ok, missing, malformed, expired, forbidden
        case notYetValid = "not_yet_valid"
        case badSignature = "bad_signature"
        case badAudience = "bad_audience"
    }

    case decided(Scheme, Outcome, nanoseconds: UInt64)
}

/// Where in a request the fault lies that it was refused for.
package enum RequestPart: String, EventLabel { case path, query, header, body }

/// The caches that there are: plans of requests' shapes, and what tokens were found to say.
package enum CacheName: String, EventLabel { case plan, token }

/// What became of a look-up, and of what is held.
package enum CacheEvent: Sendable {
    /// `stale`: it was there, and of no use any more.
    package enum Lookup: String, EventLabel { case hit, miss, stale }

    package enum Eviction: String, EventLabel { case capacity, expired, invalidated }

    case lookedUp(Lookup)
    case kept(bytes: Int)
    case evicted(Eviction, entries: Int = 1, bytes: Int)
}

/// A pooled database connection's life. `idle` and `used` in the gauges follow from these.
package enum PoolEvent: Sendable {
    package enum AcquireResult: String, EventLabel {
        case immediate, waited, timeout, closed
        /// As `waited`, but there was room for one more connection, which had to be opened.
        case opening
        /// Too many wait already.
        case refused
        /// No connection can be opened.
        case unavailable
    }

    package enum CloseReason: String, EventLabel {
        case lifetime, idle, broken, shutdown
    }

    /// At most so many connections, over all loops.
    case limited(to: Int)
    case connecting
    /// Now idle.
    case opened(nanoseconds: UInt64)
    case failedToOpen(nanoseconds: UInt64)
    /// Someone queues; `acquired` with any result ends it.
    case startedWaiting
    /// Idle became used for `immediate`, `opening` and `waited`; `queued` says whether
    /// `startedWaiting` was.
    case acquired(AcquireResult, waitedNanoseconds: UInt64, queued: Bool)
    /// Used became idle.
    case released(usedNanoseconds: UInt64)
    case closed(CloseReason, wasUsed: Bool)
}

/// What happened between us and PostgreSQL.
package enum SQLEvent: Sendable {
    package enum Lookup: String, EventLabel { case hit, miss, evicted }
    package enum TransactionOutcome: String, EventLabel { case commit, rollback, abandoned }
    package enum RetryReason: String, EventLabel {
        case connectionLost = "connection_lost"
        /// Another read ended the transaction that both were in.
        case sharedTransaction = "shared_transaction"
    }

    case prepared(Lookup, times: Int)
    case transaction(TransactionOutcome)
    case retried(RetryReason)
    /// Reads that another read's transaction took along.
    case shared(reads: Int)
}

/// What an event loop tells of itself, on its own thread.
package enum LoopEvent: Sendable {
    /// A turn is over.
    case turned(busyNanoseconds: UInt64)
    /// Ten times a second.
    case beat(lateNanoseconds: UInt64)
}

/// What happens rarely and matters to whoever runs the process.
package enum ProcessEvent: Sendable {
    package enum StartupPhase: String, EventLabel { case config, database, migrations, listen }

    case startup(StartupPhase, nanoseconds: UInt64)
    case startFailed(String)
    /// Told to stop before it served.
    case startAbandoned
    case migrations(version: Int, pending: Int)
    case catalogReloaded(nanoseconds: UInt64, relations: Int, routines: Int)
    case catalogReloadFailed(String)
    case settingsRead
    case settingsNotRead(String)
    /// A setting in the database that says nothing sensible.
    case settingIgnored(String)
    case databaseLost(String)
    /// A connection was opened; the version as libpq counts it (150003).
    case databaseReached(version: Int, name: String)
    case configuration(fingerprint: String, environment: String)
    case workerWaited(WorkerQueue, nanoseconds: UInt64)
}

/// The queues in front of the threads that may block.
package enum WorkerQueue: String, EventLabel { case blocking }

extension EventLabel {
    /// Where the case stands in its declaration: the index of its series.
    ///
    /// An enum without payloads is stored as just that; comparing names would cost more than
    /// the counting. A test holds it against `allCases`.
    package var position: Int {
        // A single case takes no memory.
        MemoryLayout<Self>.size == 0 ? 0 : unsafe Int(unsafeBitCast(self, to: UInt8.self))
    }
}
