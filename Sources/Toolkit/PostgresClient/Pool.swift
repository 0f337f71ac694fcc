// SPDX-License-Identifier: Apache-2.0
package import EventLoop

/// What happens in a pool, for whoever exports it. Times are nanoseconds.
package enum PoolEvent: Sendable {
    package enum Acquisition: Sendable {
        case immediate, waited, timedOut, cancelled, closed, refused
    }
    package enum Closure: Sendable { case lifetime, idle, broken, shutdown }

    case acquired(Acquisition, waited: UInt64)
    case released(used: UInt64)
    case opened(took: UInt64)
    case openFailed(String)
    case closed(Closure)
}

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
    private let observe: @Sendable (PoolEvent) -> Void

    private var machine: PoolMachine
    private var sessions: [Int: Session] = [:]
    private var waiting: [Int: UnsafeContinuation<Result<Int, PostgresFailure>, Never>] = unsafe [:]
    private var nextID = 0
    private var deadlineTimer: Timer?
    private var maintenance: Timer?
    private var isClosed = false

    private static let maintenanceInterval: UInt64 = 15_000_000_000

    package init(
        session: SessionSettings,
        settings: PoolSettings,
        loop: EventLoop,
        blocking: BlockingPool,
        observe: @escaping @Sendable (PoolEvent) -> Void
    ) {
        self.session = session
        self.settings = settings
        self.loop = loop
        self.blocking = blocking
        self.observe = observe
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
            observe(.released(used: uptime() - leased))
            release(id, session)
        }
        return try await body(session)
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
                    discard(id, machine.released(id, isUsable: false, now: started))
                    continue
                }
                observe(.acquired(.immediate, waited: 0))
                return (id, session)
            case .refuse(let failure):
                observe(.acquired(failure == .closed ? .closed : .refused, waited: 0))
                throw failure
            case .wait(let connecting):
                if connecting { connect() }
                return try await wait(waiter, since: started)
            }
        }
    }

    private func wait(
        _ waiter: Int,
        since started: UInt64
    ) async throws(PostgresFailure) -> (Int, Session) {
        let outcome = unsafe await withUnsafeContinuation { continuation in
            unsafe waiting[waiter] = continuation
            watchDeadlines()
        }
        let waited = uptime() - started
        switch outcome {
        case .success(let id):
            observe(.acquired(.waited, waited: waited))
            guard let session = sessions[id] else { throw .closed }
            return (id, session)
        case .failure(let failure):
            let result: PoolEvent.Acquisition =
                switch failure {
                case .acquireTimedOut: .timedOut
                case .closed: .closed
                default: .refused
                }
            observe(.acquired(result, waited: waited))
            throw failure
        }
    }

    private func release(_ id: Int, _ session: Session) {
        let now = uptime()
        switch machine.released(id, isUsable: session.isUsable, now: now) {
        case .keep: break
        case .hand(let id, let waiter): resume(waiter, .success(id))
        case let closing: discard(id, closing)
        }
    }

    /// Ends a session, and connects in its place where the machine says so.
    private func discard(_ id: Int, _ decision: PoolMachine.Return) {
        guard case .close(let reason, let reconnecting) = decision else { return }
        end(id, reason)
        if reconnecting { connect() }
    }

    private func end(_ id: Int, _ reason: PoolMachine.CloseReason) {
        guard let session = sessions.removeValue(forKey: id) else { return }
        session.onPeerLeft = nil
        session.close()
        switch reason {
        case .lifetime: observe(.closed(.lifetime))
        case .idle: observe(.closed(.idle))
        case .broken: observe(.closed(.broken))
        case .shutdown: observe(.closed(.shutdown))
        }
    }

    private func resume(_ waiter: Int, _ outcome: Result<Int, PostgresFailure>) {
        unsafe waiting.removeValue(forKey: waiter)?.resume(returning: outcome)
    }

    package func close() {
        isClosed = true
        maintenance?.cancel()
        let (waiters, idle) = machine.close()
        for waiter in waiters { resume(waiter, .failure(.closed)) }
        for id in idle { end(id, .shutdown) }
    }
}

extension Pool {
    private func connect() {
        let started = uptime()
        Task(executorPreference: loop) { [self] in
            do throws(PostgresFailure) {
                let opened = try await Session.connect(session, on: loop, via: blocking)
                adopt(opened, took: uptime() - started)
            } catch {
                refused(error)
            }
        }
    }

    private func adopt(_ session: Session, took: UInt64) {
        nextID += 1
        let id = nextID
        let now = uptime()
        observe(.opened(took: took))
        sessions[id] = session
        session.onPeerLeft = { [weak self] in self?.sessionLeft(id) }
        // A tenth either way, so that sessions opened together do not end together.
        let lifetime = Double(settings.lifetime) * Double.random(in: 0.9...1.1)
        switch machine.opened(id, now: now, expires: now &+ UInt64(lifetime)) {
        case .keep: break
        case .hand(let id, let waiter): resume(waiter, .success(id))
        case let closing: discard(id, closing)
        }
        while machine.connectIfAllowed(now: now) { connect() }
    }

    private func refused(_ failure: PostgresFailure) {
        if case .unavailable(let reason) = failure { observe(.openFailed(reason)) }
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
    private func watchDeadlines() {
        guard deadlineTimer == nil, let earliest = machine.earliestDeadline else { return }
        deadlineTimer = loop.schedule(at: earliest) { [weak self] in
            guard let self else { return }
            deadlineTimer = nil
            for waiter in machine.expireWaiters(now: uptime()) {
                resume(waiter, .failure(.acquireTimedOut))
            }
            watchDeadlines()
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
