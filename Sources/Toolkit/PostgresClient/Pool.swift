// SPDX-License-Identifier: Apache-2.0
package import EventLoop
package import Telemetry

/// How many sessions a pool keeps, and how long callers wait for one.
package struct PoolSettings: Sendable {
    package var connectionsMin = 1
    package var connectionsMax = 8
    package var waitersMax = 1_024
    /// Nanoseconds.
    package var acquireTimeout: UInt64 = 10_000_000_000
    package var lifetime: UInt64 = 1_800_000_000_000
    package var idleTimeout: UInt64 = 300_000_000_000

    package init() {}
}

/// The sessions of one loop. A thin shell around `PoolMachine`, which decides.
///
/// `@unchecked Sendable`: used on its loop's thread only; no lock on the way of a request.
@safe package final class Pool: @unchecked Sendable {
    package let loop: EventLoop
    private let session: SessionSettings
    private let settings: PoolSettings
    private let blocking: BlockingPool
    private let telemetry: Telemetry

    private var machine: PoolMachine
    private var sessions: [Int: Session] = [:]
    private var waiting: [Int: UnsafeContinuation<Result<Int, PostgresFailure>, Never>] = unsafe [:]
    private var nextID = 0
    private var deadlineTimer: Timer?
    private var deadlineWatched = UInt64.max
    private var maintenance: Timer?
    private var isClosed = false

    private static let maintenanceInterval: UInt64 = 15_000_000_000

    package init(
        session: SessionSettings,
        settings: PoolSettings,
        loop: EventLoop,
        blocking: BlockingPool,
        telemetry: Telemetry
    ) {
        self.session = session
        self.settings = settings
        self.loop = loop
        self.blocking = blocking
        self.telemetry = telemetry
        machine = PoolMachine(
            limits: PoolMachine.Limits(
                minimum: settings.connectionsMin,
                maximum: settings.connectionsMax,
                waitersMax: settings.waitersMax,
                lifetime: settings.lifetime,
                idleTimeout: settings.idleTimeout
            )
        )
    }

    package var counts: (idle: Int, used: Int, connecting: Int, waiting: Int) {
        (machine.idleCount, machine.leasedCount, machine.connecting, machine.waitingCount)
    }

    /// Connects up to the minimum. On the loop's thread.
    package func start() {
        while machine.connectIfAllowed(now: uptime()) { connect() }
        scheduleMaintenance()
    }

    /// Lends a session to `body`. Uptime nanoseconds for the deadline; the pool's own acquire
    /// timeout applies as well.
    package func withSession<Value>(
        deadline: UInt64,
        _ body: (Session) async throws(PostgresFailure) -> Value
    ) async throws(PostgresFailure) -> Value {
        let (id, session) = try await acquire(deadline: deadline)
        let leased = uptime()
        defer {
            release(id, session, used: uptime() - leased)
        }
        return try await body(session)
    }

    /// Lends a session for longer than a function lasts.
    package func lend(deadline: UInt64) async throws(PostgresFailure) -> Lease {
        let (id, session) = try await acquire(deadline: deadline)
        let leased = uptime()
        return Lease(session) { self.release(id, session, used: uptime() - leased) }
    }

    private func acquire(deadline: UInt64) async throws(PostgresFailure) -> (Int, Session) {
        let started = uptime()
        let latest = min(deadline, started &+ settings.acquireTimeout)
        nextID += 1
        let waiter = nextID
        // An idle session may have died without its end having been delivered yet.
        while true {
            switch machine.acquire(waiter, now: started, deadline: latest) {
            case .lease(let id):
                guard let session = sessions[id], session.isUsable else {
                    discard(id, machine.released(id, isUsable: false, now: started), used: false)
                    continue
                }
                telemetry.report(.acquired(.immediate, waitedNanoseconds: 0, queued: false))
                return (id, session)
            case .refuse(let failure):
                let result = PoolEvent.AcquireResult(failure)
                telemetry.report(.acquired(result, waitedNanoseconds: 0, queued: false))
                throw failure
            case .wait(let connecting):
                if connecting { connect() }
                let result: PoolEvent.AcquireResult = machine.hasRoom ? .opening : .waited
                return try await wait(waiter, since: started, until: latest, result)
            }
        }
    }

    private func wait(
        _ waiter: Int,
        since started: UInt64,
        until latest: UInt64,
        _ result: PoolEvent.AcquireResult
    ) async throws(PostgresFailure) -> (Int, Session) {
        let outcome = unsafe await withUnsafeContinuation { continuation in
            unsafe waiting[waiter] = continuation
            telemetry.report(.startedWaiting)
            watch(deadline: latest)
        }
        let waited = uptime() - started
        switch outcome {
        case .success(let id):
            telemetry.report(.acquired(result, waitedNanoseconds: waited, queued: true))
            guard let session = sessions[id] else { throw .closed }
            return (id, session)
        case .failure(let failure):
            let result = PoolEvent.AcquireResult(failure)
            telemetry.report(.acquired(result, waitedNanoseconds: waited, queued: true))
            throw failure
        }
    }

    private func release(_ id: Int, _ session: Session, used: UInt64) {
        // What a transaction was left open with would be the next holder's.
        let isUsable = session.isUsable && !session.isInTransaction
        let decision = machine.released(id, isUsable: isUsable, now: uptime())
        if case .close = decision { return discard(id, decision, used: true) }
        telemetry.report(.released(usedNanoseconds: used))
        if case .hand(let id, let waiter) = decision { resume(waiter, .success(id)) }
    }

    /// Ends a session, and connects in its place where the machine says so.
    private func discard(_ id: Int, _ decision: PoolMachine.Return, used: Bool) {
        guard case .close(let reason, let reconnecting) = decision else { return }
        end(id, reason, used: used)
        if reconnecting { connect() }
    }

    private func end(_ id: Int, _ reason: PoolEvent.CloseReason, used: Bool = false) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        session.onPeerLeft = nil
        session.close()
        telemetry.report(.closed(reason, wasUsed: used))
    }

    private func resume(_ waiter: Int, _ outcome: Result<Int, PostgresFailure>) {
        unsafe waiting.removeValue(forKey: waiter)?.resume(returning: outcome)
    }

    /// Has every statement prepared anew: the schema has changed.
    package func outdateStatements() {
        for session in sessions.values { session.outdateStatements() }
    }

    /// Refuses whoever comes, and ends what runs.
    package func close() {
        isClosed = true
        maintenance?.cancel()
        let (waiters, idle) = machine.close()
        for waiter in waiters { resume(waiter, .failure(.closed)) }
        for id in idle { end(id, .shutdown) }
        for session in sessions.values { session.close() }
    }
}

extension Pool {
    private func connect() {
        let started = uptime()
        telemetry.report(.connecting)
        Task(executorPreference: loop) { [self] in
            do throws(PostgresFailure) {
                let opened = try await Session.connect(session, on: loop, via: blocking)
                adopt(opened, took: uptime() - started)
            } catch {
                refused(error, after: uptime() - started)
            }
        }
    }

    private func adopt(_ session: Session, took: UInt64) {
        nextID += 1
        let id = nextID
        let now = uptime()
        telemetry.report(.opened(nanoseconds: took))
        telemetry.report(
            .databaseReached(version: session.serverVersion, name: session.databaseName)
        )
        sessions[id] = session
        session.onPeerLeft = { [weak self] in self?.sessionLeft(id) }
        // A tenth either way, so that sessions opened together do not end together.
        let lifetime = Double(settings.lifetime) * Double.random(in: 0.9...1.1)
        switch machine.opened(id, now: now, expires: now &+ UInt64(lifetime)) {
        case .keep: break
        case .hand(let id, let waiter): resume(waiter, .success(id))
        case let closing: discard(id, closing, used: false)
        }
        while machine.connectIfAllowed(now: now) { connect() }
    }

    private func refused(_ failure: PostgresFailure, after took: UInt64) {
        telemetry.report(.failedToOpen(nanoseconds: took))
        if case .unavailable(let reason) = failure { telemetry.report(.databaseLost(reason)) }
        let jitter = Double.random(in: 0...1)
        let (waiters, retryAt) = machine.openFailed(failure, now: uptime(), jitter: jitter)
        for waiter in waiters { resume(waiter, .failure(failure)) }
        _ = loop.schedule(at: retryAt) { [weak self] in
            guard let self else { return }
            while machine.connectIfAllowed(now: uptime()) { connect() }
        }
    }

    private func sessionLeft(_ id: Int) {
        guard machine.lost(id) else { return }
        end(id, .broken)
        while machine.connectIfAllowed(now: uptime()) { connect() }
    }

    // One timer for the earliest deadline, not one a waiter: under load every request waits.
    private func watch(deadline: UInt64) {
        guard deadline < deadlineWatched else { return }
        deadlineTimer?.cancel()
        deadlineWatched = deadline
        deadlineTimer = loop.schedule(at: deadline) { [weak self] in
            guard let self else { return }
            deadlineWatched = .max
            for waiter in machine.expireWaiters(now: uptime()) {
                resume(waiter, .failure(.acquireTimedOut))
            }
            if let earliest = machine.earliestDeadline { watch(deadline: earliest) }
        }
    }

    private func scheduleMaintenance() {
        let due = uptime() &+ Self.maintenanceInterval
        maintenance = loop.schedule(at: due) { [weak self] in
            guard let self, !isClosed else { return }
            for (id, reason) in machine.retire(now: uptime()) { end(id, reason) }
            while machine.connectIfAllowed(now: uptime()) { connect() }
            scheduleMaintenance()
        }
    }
}

extension PoolEvent.AcquireResult {
    /// Why somebody got no session. That none can be opened is the database's matter: it says
    /// nothing of the pool.
    init(_ failure: PostgresFailure) {
        self =
            switch failure {
            case .acquireTimedOut: .timeout
            case .exhausted: .refused
            case .closed: .closed
            case .server, .connectionLost, .unavailable, .deadlinePassed: .unavailable
            }
    }
}
