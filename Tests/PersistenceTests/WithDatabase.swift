// SPDX-License-Identifier: Apache-2.0
import EventLoop
import LucarneCore
import PostgresClient
import Support
import Telemetry

@testable import Persistence

/// A request of its own, by PostgreSQL's superuser.
func request(_ cancellation: Cancellation? = nil) -> RequestContext {
    RequestContext(
        identity: Identity(role: "postgres", claims: "{}", isAnonymous: false),
        deadline: uptime() + 20_000_000_000,
        trace: RequestTrace(startedAt: uptime(), context: .restarted()),
        cancellation: cancellation
    )
}

/// Runs `body` on a loop with a pool of connections to a real server.
func withDatabase<Value: Sendable>(
    connectionsMax: Int = PoolSettings().connectionsMax,
    _ body: @escaping @Sendable (Database, RequestContext) async throws -> Value
) async throws -> Value {
    let connection = try PostgresServer.shared.get().connection()
    let group = try EventLoopGroup(count: 1)
    group.start(includingFirst: true) { _ in }
    defer { group.stop() }
    let loop = group.loops[0]
    let telemetry = Telemetry()
    return try await Task(executorPreference: loop) {
        var settings = PoolSettings()
        settings.connectionsMax = connectionsMax
        let pool = Pool(
            session: SessionSettings(connection: connection),
            settings: settings,
            loop: loop,
            blocking: BlockingPool(name: "test", width: 2, waitingMax: 8),
            telemetry: telemetry
        )
        pool.start()
        defer { pool.close() }
        return try await body(Database(pools: [pool], telemetry: telemetry), request())
    }.value
}
