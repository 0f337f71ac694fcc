// SPDX-License-Identifier: Apache-2.0
import Synchronization

extension Telemetry {
    package func report(_ event: ConnectionEvent, on listener: Listener = .public) {
        let position = listener.position
        switch event {
        case .accepted:
            connections.accepted[position].add()
            connections.active[position].add(1)
        case .becameIdle:
            connections.active[position].add(-1)
            connections.idle[position].add(1)
        case .becameActive:
            connections.idle[position].add(-1)
            connections.active[position].add(1)
        case .closed(let reason, let wasIdle):
            connections.closed[position][reason.position].add()
            (wasIdle ? connections.idle : connections.active)[position].add(-1)
        }
    }

    /// What came is no request, or its body is none. `status`: of the answer to what has no other
    /// record, since it came to no route.
    package func requestRefused(
        _ reason: ConnectionEvent.ParseErrorReason,
        status: Int?,
        of peer: String,
        in trace: RequestTrace,
        on listener: Listener
    ) {
        connections.parseErrors[reason.position].add()
        guard let status else { return tell(.refusedRequest(reason), of: trace, from: peer) }
        let level: LogLevel = listener == .admin ? .debug : .info
        logs.write(level, .http, "request refused", event: "http.parse_error", trace: trace) {
            $0.field("reason", reason.rawValue)
            $0.field("http.response.status_code", status)
            $0.field("client.address", peer)
        }
    }

    package func report(_ event: AuthenticationEvent, in trace: RequestTrace? = nil) {
        switch event {
        case .decided(let scheme, let outcome, let nanoseconds):
            authentication.requests[scheme.position][outcome.position].add()
            authentication.duration[scheme.position].observe(nanoseconds)
            guard outcome != .ok else { return }
            tell(.refusedCredential(scheme, outcome), of: trace)
        }
    }

    package func report(_ event: LoopEvent) {
        guard configuration.isOn else { return }
        // A loop's own series are found by its slot; slot 0 is no loop.
        let slot = Shard.current
        guard slot > 0 else { return }
        switch event {
        case .turned(let nanoseconds): loops.series(slot).busy.add(nanoseconds, slot: slot)
        case .beat(let nanoseconds): loops.series(slot).beat(late: nanoseconds, slot: slot)
        }
    }
}

extension Telemetry {
    package func report(_ event: PoolEvent) {
        guard configuration.isOn else { return }
        let slot = Shard.current
        switch event {
        case .limited(let connectionsMax):
            pool.limit.add(connectionsMax)
        case .connecting:
            pool.connecting.add(1)
        case .opened(let nanoseconds):
            pool.connecting.add(-1)
            pool.idle.add(1)
            pool.create.observe(nanoseconds)
            logs.write(.debug, .pool, "connection opened", event: "pool.opened") { record in
                record.field("duration_ms", milliseconds: nanoseconds)
            }
        case .failedToOpen(let nanoseconds):
            pool.connecting.add(-1)
            pool.create.observe(nanoseconds)
        case .startedWaiting:
            pool.waiters.add(1, slot: slot)
        case .acquired(let result, let nanoseconds, let queued):
            if queued { pool.waiters.add(-1, slot: slot) }
            pool.acquires[result.position].add(1, slot: slot)
            pool.wait.observe(nanoseconds, slot: slot)
            switch result {
            case .immediate, .opening, .waited: break
            case .timeout, .closed, .refused, .unavailable: return
            }
            pool.idle.add(-1, slot: slot)
            pool.used.add(1, slot: slot)
        case .released(let nanoseconds):
            pool.used.add(-1, slot: slot)
            pool.idle.add(1, slot: slot)
            pool.use.observe(nanoseconds, slot: slot)
        case .closed(let reason, let wasUsed):
            (wasUsed ? pool.used : pool.idle).add(-1)
            pool.closed[reason.position].add()
            logs.write(.debug, .pool, "connection closed", event: "pool.closed") { record in
                record.field("reason", reason.rawValue)
            }
        }
    }

    package func report(_ event: SQLEvent) {
        guard configuration.isOn else { return }
        switch event {
        case .prepared(let lookup, let times): sql.lookups[lookup.position].add(UInt64(times))
        case .transaction(let outcome): sql.transactions[outcome.position].add()
        case .retried(let reason): sql.retries[reason.position].add()
        case .shared(let reads): sql.shared.add(UInt64(reads))
        }
    }

    /// A statement that goes on in several spans: says which of them is the first, for
    /// `statementEnded`.
    package func statementOpened(_ summary: String, in trace: RequestTrace) -> Int8 {
        if configuration.isOn { trace.note(opened: summary) }
        return trace.openSpan
    }

    /// A statement came back. `summary` is low in cardinality: `SELECT planets`. With a trace, the
    /// statement is counted to the request and noted in its open span.
    package func statementEnded(
        _ summary: String,
        nanoseconds: UInt64,
        rows: Int,
        sqlState: String? = nil,
        schema: String = "",
        span: Int8? = nil,
        in trace: RequestTrace? = nil
    ) {
        guard configuration.isOn else { return }
        unsafe trace?.schema = schema
        let isSlow = nanoseconds >= configuration.slowStatementNanoseconds
        let slot = Shard.current
        let series = statements.handle(summary, in: schema, slot: slot)
        if sqlState == nil, !isSlow, !series.isShared, span == nil, let trace,
            trace.noteFirst(series, nanoseconds: nanoseconds, rows: rows)
        {
            return
        }
        if let span {
            trace?.note(rows: rows, sqlState: sqlState, ofStatementIn: span)
        } else {
            trace?.note(summary, rows: rows, sqlState: sqlState)
        }
        let duration = statements.ended(
            series,
            nanoseconds: nanoseconds,
            sqlState: sqlState,
            rows: rows,
            isSlow: isSlow,
            slot: slot
        )
        if let trace { unsafe trace.waitingExemplars.append((duration, nanoseconds)) }
        guard isSlow else { return }
        trace?.hasSlowStatement = true
        logs.write(.warning, .sql, "slow statement", event: "sql.slow", trace: trace) { record in
            record.field("db.query.summary", summary)
            record.field("duration_ms", milliseconds: nanoseconds)
            record.field("db.response.returned_rows", rows)
        }
    }
}

extension Telemetry {
    package func report(_ event: ProcessEvent) {
        switch event {
        case .startup(let phase, let nanoseconds):
            process.startup[phase.position].set(Int(nanoseconds))
            // All routes are known by then.
            if phase == .listen { registry.settle() }
            logs.write(.debug, .app, "start phase done", event: "startup.phase") { record in
                record.field("phase", phase.rawValue)
                record.field("duration_ms", milliseconds: nanoseconds)
            }
        case .startFailed(let reason):
            logs.write(.critical, .app, "not started", event: "start.failed") { record in
                record.field("error.message", reason)
            }
        case .startAbandoned:
            logs.write(.notice, .app, "stopped while starting", event: "start.abandoned")
        case .migrations(let version, let pending):
            sql.migrationsVersion.set(version)
            sql.migrationsPending.set(pending)
        case .configuration(let fingerprint, let environment):
            process.configuration.set(fingerprint, environment)
        case .databaseReached(let version, let name): databaseReached(version, name)
        case .workerWaited(let queue, let nanoseconds):
            loops.queueWait[queue.position].observe(nanoseconds)
        case .databaseLost(let reason):
            // One record an outage, however often it is tried in the meantime.
            guard !database.isLost.exchange(true, ordering: .relaxed) else { return }
            logs.write(.error, .sql, "database lost", event: "database.lost") { record in
                record.field("error.message", reason)
            }
        case .settingsRead: process.reloads.learn(.settings, isWell: true)
        case .catalogReloaded, .catalogReloadFailed, .settingsNotRead, .settingIgnored:
            logRare(event)
        }
    }

    private func databaseReached(_ version: Int, _ name: String) {
        database.name.withLock { $0 = name }
        if database.version.exchange(version, ordering: .relaxed) != version {
            process.setBuild(configuration.identity, postgres: databaseVersion)
        }
        guard database.isLost.exchange(false, ordering: .relaxed) else { return }
        logs.write(.notice, .sql, "database reached", event: "database.back")
    }

    /// `15.3`, or `unknown` before a connection was opened.
    package var databaseVersion: String {
        let version = database.version.load(ordering: .relaxed)
        return version == 0 ? "unknown" : "\(version / 10_000).\(version % 10_000)"
    }

    /// Asks for the queue's length at each scrape.
    package func watch(_ queue: WorkerQueue, _ length: @escaping @Sendable () -> Int) {
        let gauge = loops.queueLength[queue.position]
        registry.refresh { gauge.set(length()) }
    }

    /// Asks at each scrape for the bytes that a server holds of bodies.
    package func watch(_ listener: Listener, heldBytes: @escaping @Sendable () -> Int) {
        let gauge = connections.held[listener.position]
        registry.refresh { gauge.set(heldBytes()) }
    }

    private func logRare(_ event: ProcessEvent) {
        switch event {
        case .catalogReloaded(let nanoseconds, let relations, let routines):
            process.reloads.learn(.catalog, isWell: true)
            logs.write(.info, .rest, "catalog loaded", event: "catalog.loaded") { record in
                record.field("duration_ms", milliseconds: nanoseconds)
                record.field("relations", relations)
                record.field("routines", routines)
            }
        case .catalogReloadFailed(let reason):
            process.reloads.learn(.catalog, isWell: false)
            logs.write(.error, .rest, "catalog not loaded", event: "catalog.failed") { record in
                record.field("error.message", reason)
            }
        case .settingsNotRead(let reason):
            process.reloads.learn(.settings, isWell: false)
            logs.write(.error, .rest, "settings not read", event: "settings.failed") { record in
                record.field("error.message", reason)
            }
        case .settingIgnored(let name):
            logs.write(.warning, .rest, "setting passed over", event: "settings.ignored") {
                record in
                record.field("setting", name)
            }
        default: break
        }
    }
}

/// The pool's gauges, read together.
package struct PoolReading: Sendable {
    package var idle: Int
    package var used: Int
    package var connecting: Int
    package var waiting: Int
    package var limit: Int
}

extension Telemetry {
    package var poolReading: PoolReading {
        PoolReading(
            idle: pool.idle.value,
            used: pool.used.value,
            connecting: pool.connecting.value,
            waiting: pool.waiters.value,
            limit: pool.limit.value
        )
    }
}
