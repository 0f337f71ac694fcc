// SPDX-License-Identifier: Apache-2.0
import Telemetry

/// Who holds which session, who waits, and when to connect. Decides; does nothing: no clock,
/// no socket, no `await`. Times are uptime nanoseconds.
///
/// A session is *connecting* (counted only), *idle* (in `idle`) or *leased* (in neither list);
/// it leaves by `lost`, `released` or `opened` of a closed pool.
struct PoolMachine {
    typealias SessionID = Int
    typealias WaiterID = Int

    struct Limits: Equatable {
        var minimum = 1
        var maximum = 8
        var waitersMax = 1_024
        var lifetime: UInt64 = 1_800_000_000_000
        var idleTimeout: UInt64 = 300_000_000_000
        /// Between attempts to connect: doubled from the first to the last, then jittered.
        /// The last is what a client waits, at most, once the database is back.
        var backoffFirst: UInt64 = 50_000_000
        var backoffLast: UInt64 = 500_000_000
    }

    enum Acquisition: Equatable {
        case lease(SessionID)
        /// Wait; and connect first where the flag says so.
        case wait(connecting: Bool)
        case refuse(PostgresFailure)
    }

    enum Return: Equatable {
        case keep
        case hand(SessionID, to: WaiterID)
        case close(PoolEvent.CloseReason, reconnecting: Bool)
    }

    private struct Waiter {
        var id: WaiterID
        var deadline: UInt64
    }

    private let limits: Limits
    private var idle: [(id: SessionID, since: UInt64)] = []
    private var expiry: [SessionID: UInt64] = [:]
    private var waiters: [Waiter] = []
    private var waitersHead = 0
    private(set) var connecting = 0
    private var failures = 0
    private var retryAt: UInt64 = 0
    private var lastFailure = PostgresFailure.unavailable("not connected yet")
    private var isClosed = false

    init(limits: Limits) { self.limits = limits }

    var idleCount: Int { idle.count }
    var leasedCount: Int { expiry.count - idle.count }
    var waitingCount: Int { waiters.count - waitersHead }
    private var total: Int { expiry.count + connecting }
    /// All who wait can have a connection of their own, once it is open.
    var hasRoom: Bool { leasedCount + waitingCount <= limits.maximum }

    mutating func acquire(_ waiter: WaiterID, now: UInt64, deadline: UInt64) -> Acquisition {
        if isClosed { return .refuse(.closed) }
        if let (id, _) = idle.popLast() { return .lease(id) }
        if total == 0, failures > 0, now < retryAt { return .refuse(lastFailure) }
        guard waitingCount < limits.waitersMax else { return .refuse(.exhausted) }
        waiters.append(Waiter(id: waiter, deadline: deadline))
        return .wait(connecting: connectIfAllowed(now: now))
    }

    /// Takes out everyone whose deadline has passed.
    mutating func expireWaiters(now: UInt64) -> [WaiterID] {
        let overdue = waiters[waitersHead...].filter { $0.deadline <= now }.map(\.id)
        if !overdue.isEmpty {
            waiters.removeSubrange(..<waitersHead)
            waitersHead = 0
            waiters.removeAll { $0.deadline <= now }
        }
        return overdue
    }

    var earliestDeadline: UInt64? { waiters[waitersHead...].map(\.deadline).min() }

    mutating func abandon(_ waiter: WaiterID) -> Bool {
        guard let index = waiters[waitersHead...].firstIndex(where: { $0.id == waiter }) else {
            return false
        }
        waiters.remove(at: index)
        return true
    }

    /// `expires` is the lifetime's end, already jittered so that sessions do not end together.
    mutating func opened(_ id: SessionID, now: UInt64, expires: UInt64) -> Return {
        connecting -= 1
        failures = 0
        if isClosed { return .close(.shutdown, reconnecting: false) }
        expiry[id] = expires
        return place(id, now: now)
    }

    /// Returns who must be told that there is no database, when there is no other session that
    /// could serve them.
    mutating func openFailed(
        _ failure: PostgresFailure,
        now: UInt64,
        jitter: Double
    ) -> (refused: [WaiterID], retryAt: UInt64) {
        connecting -= 1
        failures += 1
        lastFailure = failure
        let doubled = limits.backoffFirst << min(failures - 1, 16)
        let pause = Double(min(doubled, limits.backoffLast)) * (0.5 + jitter / 2)
        retryAt = now + UInt64(pause)
        guard total == 0 else { return ([], retryAt) }
        let refused = waiters[waitersHead...].map(\.id)
        waiters.removeAll()
        waitersHead = 0
        return (refused, retryAt)
    }

    mutating func released(_ id: SessionID, isUsable: Bool, now: UInt64) -> Return {
        let expires = expiry[id] ?? 0
        if isUsable, !isClosed, now < expires { return place(id, now: now) }
        expiry[id] = nil
        let reason: PoolEvent.CloseReason = isClosed ? .shutdown : isUsable ? .lifetime : .broken
        return .close(reason, reconnecting: connectIfAllowed(now: now))
    }

    /// An idle session ended by itself. False when it was not idle: its holder will notice.
    mutating func lost(_ id: SessionID) -> Bool {
        guard let index = idle.firstIndex(where: { $0.id == id }) else { return false }
        idle.remove(at: index)
        expiry[id] = nil
        return true
    }

    /// What has been idle or alive for too long; called from time to time.
    mutating func retire(now: UInt64) -> [(SessionID, PoolEvent.CloseReason)] {
        var retired: [(SessionID, PoolEvent.CloseReason)] = []
        idle.removeAll { session in
            let isOld = now >= expiry[session.id] ?? 0
            let isSpare =
                now >= session.since &+ limits.idleTimeout
                && expiry.count - retired.count > limits.minimum
            if isOld || isSpare { retired.append((session.id, isOld ? .lifetime : .idle)) }
            return isOld || isSpare
        }
        for (id, _) in retired { expiry[id] = nil }
        return retired
    }

    /// Whether one more connection should be made now; the caller makes it.
    mutating func connectIfAllowed(now: UInt64) -> Bool {
        guard !isClosed, total < limits.maximum else { return false }
        guard failures == 0 || (now >= retryAt && connecting == 0) else { return false }
        guard total < limits.minimum || waitingCount > connecting else { return false }
        connecting += 1
        return true
    }

    /// Returns whom to refuse and what to close.
    mutating func close() -> (waiters: [WaiterID], idle: [SessionID]) {
        isClosed = true
        let refused = waiters[waitersHead...].map(\.id)
        let closed = idle.map(\.id)
        for id in closed { expiry[id] = nil }
        waiters.removeAll()
        waitersHead = 0
        idle.removeAll()
        return (refused, closed)
    }

    private mutating func place(_ id: SessionID, now: UInt64) -> Return {
        guard waitersHead < waiters.count else {
            idle.append((id, now))
            return .keep
        }
        let waiter = waiters[waitersHead].id
        waitersHead += 1
        // Taking from the front is moving an index; the room is given back once in a while.
        if waitersHead == waiters.count || waitersHead > 1_024 {
            waiters.removeSubrange(..<waitersHead)
            waitersHead = 0
        }
        return .hand(id, to: waiter)
    }
}
