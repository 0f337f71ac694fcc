// SPDX-License-Identifier: Apache-2.0
import EventLoop
import PostgresClient
import Support
import Telemetry
import Testing

extension SessionTests {
    @Test func `a pool of two serves twenty at a time and outlives a killed server`() async throws {
        let soon = soon
        let server = try PostgresServer()
        let blocking = blocking
        try await onLoop { loop in
            var settings = PoolSettings()
            settings.connectionsMax = 2
            let pool = Pool(
                session: SessionSettings(connection: server.connection()),
                settings: settings,
                loop: loop,
                blocking: blocking,
                telemetry: Telemetry()
            )
            pool.start()
            let ask: @Sendable () async -> Int? = {
                try? await pool.withSession(deadline: soon) { session throws(PostgresFailure) in
                    try await session.exchange([Query("select 7")], deadline: soon)[0].integer(0, 0)
                }
            }
            let answers = await withTaskGroup(of: Int?.self) { group in
                for _ in 0..<20 { group.addTask(executorPreference: loop) { await ask() } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers == Array(repeating: 7, count: 20))
            #expect(pool.counts.idle + pool.counts.connecting <= 2)

            try await blocking.run { try? server.kill() }
            #expect(await ask() == nil)
            try await blocking.run { try? server.restart() }
            // Pauses are counted and no clock: a machine may stand still for a while.
            var (answer, pauses) = (await ask(), 0)
            while answer != 7, pauses < 100 {
                try await loop.sleep(nanoseconds: 10_000_000)
                (answer, pauses) = (await ask(), pauses + 1)
            }
            #expect(answer == 7, "back within a second of the database")
            pool.close()
            #expect(await ask() == nil)
        }
    }

    @Test func `who can wait less than others gives up first`() async throws {
        let connection = try PostgresServer.shared.get().connection()
        let blocking = blocking
        try await onLoop { loop in
            var settings = PoolSettings()
            settings.connectionsMax = 1
            let pool = Pool(
                session: SessionSettings(connection: connection),
                settings: settings,
                loop: loop,
                blocking: blocking,
                telemetry: Telemetry()
            )
            pool.start()
            let lease = try await pool.lend(deadline: uptime() + 20_000_000_000)
            let patient = Task(executorPreference: loop) {
                try await pool.lend(deadline: uptime() + 20_000_000_000).end()
            }
            while pool.counts.waiting < 1 { try await loop.sleep(nanoseconds: 1_000_000) }
            await #expect(throws: PostgresFailure.acquireTimedOut) {
                _ = try await pool.lend(deadline: uptime() + 50_000_000)
            }
            #expect(pool.counts.waiting == 1, "the other still waits")
            lease.end()
            try await patient.value
            pool.close()
        }
    }

    /// A pool of one session.
    private func withPool<Value: Sendable>(
        _ body: @escaping @Sendable (Pool) async throws -> Value
    ) async throws -> Value {
        let connection = try PostgresServer.shared.get().connection()
        let blocking = blocking
        return try await onLoop { loop in
            var settings = PoolSettings()
            settings.connectionsMax = 1
            let pool = Pool(
                session: SessionSettings(connection: connection),
                settings: settings,
                loop: loop,
                blocking: blocking,
                telemetry: Telemetry()
            )
            pool.start()
            defer { pool.close() }
            return try await body(pool)
        }
    }

    @Test func `a session that comes back inside a transaction is nobody's any more`() async throws
    {
        let soon = soon
        try await withPool { pool in
            let run = { @Sendable (sql: String) async throws(PostgresFailure) in
                try await pool.withSession(deadline: soon) { session throws(PostgresFailure) in
                    _ = try await session.exchange([Query(sql)], deadline: soon)
                    return session.processID
                }
            }
            let first = try await run("select 1")
            #expect(try await run("begin") == first)
            #expect(try await run("select 1") != first)
        }
    }

    @Test func `once statements are outdated, parameters have the columns' new types`() async throws
    {
        let soon = soon
        try await withPool { pool in
            let run = { @Sendable (query: Query) async throws(PostgresFailure) in
                try await pool.withSession(deadline: soon) { session throws(PostgresFailure) in
                    try await session.exchange([query], deadline: soon)[0].integer(0, 0)
                }
            }
            let large = Query("select count(*) from wide where n = $1", texts: ["3000000000"])
            _ = try await run(Query("create table wide (n int)", isPrepared: false))
            _ = try? await run(large)
            let change = "alter table wide alter n type bigint"
            _ = try await run(Query(change, isPrepared: false))
            await #expect(throws: PostgresFailure.self, "PostgreSQL keeps the types it was told") {
                try await run(large)
            }
            pool.outdateStatements()
            #expect(try await run(large) == 0)
            let kept = Query("select count(*) from pg_prepared_statements", isPrepared: false)
            #expect(try await run(kept) == 1)
        }
    }
}
