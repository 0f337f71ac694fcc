// SPDX-License-Identifier: Apache-2.0
import Endpoints
import EventLoop
import HTTPServer
import JSONCoding
import LucarneCore
import Monitoring
import Operations
import Persistence
import PostgresClient
import Rest
import Telemetry

extension Serving {
    /// Each listener with its address: the public one, and the operations' own where it has one.
    func servers(_ rest: RestServing) -> [(Server, SocketAddress)] {
        let operations = operations
        let closed = configuration.features.contains(.operations) ? operations.closed : []
        guard let apart = configuration.operationsAddress else {
            let routes = rest.routes + operations.probes + closed
            return [(server(routes, .public, closed: closed), configuration.address)]
        }
        // Mounted at the root, all names are those of tables.
        let probes = configuration.rest.path == "/" ? [] : operations.publicProbes
        let own = operations.probes + operations.postgrestProbes + closed
        return [
            (server(rest.routes + probes, .public), configuration.address),
            (server(own, .admin, closed: closed), apart),
        ]
    }

    /// `closed`: those that no page of another origin may call.
    private func server(
        _ routes: [Route],
        _ listener: Listener,
        closed: [Route] = []
    ) -> Server {
        let middleware = middleware(closed: closed)
        return Server(
            Pipeline(
                router: Router(routes),
                middleware: middleware,
                telemetry: MiddlewareTelemetry(names: middleware.map(\.name), telemetry: telemetry)
            ),
            limits: ServerLimits(configuration.http),
            telemetry: telemetry,
            listener: listener
        )
    }

    /// The whole list, in the order in which requests pass it.
    private func middleware(closed: [Route]) -> [any Middleware] {
        [
            TraceHeaders(), SecurityHeaders(),
            CrossOriginAccess(
                allowedOrigins: configuration.rest.corsAllowedOrigins,
                closed: Set(closed.map(\.template))
            ),
        ]
    }

    var operations: Operations {
        var sources = Operations.Sources()
        sources.configuration = { [current] in
            (try? JSONValue(parsing: Array(current.value.reportJSON.utf8))) ?? .null
        }
        sources.build = { [telemetry] in Build.facts(telemetry) }
        let watch = Watch(promises: configuration.telemetry.objectives)
        sources.dashboards = { watch.boardFiles }
        sources.rules = { watch.ruleFile }
        return Operations(
            telemetry: telemetry,
            sources: sources,
            access: OperationsAccess(
                token: configuration.operationsToken,
                on: configuration.operationsAddress ?? configuration.address,
                isApart: configuration.operationsAddress != nil
            )
        )
    }

    /// What readiness depends on beside the catalog, which reports itself: where nothing is served from
    /// the database, on nothing.
    func healthChecks(_ rest: RestServing, _ database: Database) -> HealthChecks {
        let check = HealthCheck(
            "database",
            component: "datastore",
            timeout: .seconds(5),
            tolerance: configuration.database.outageTolerance
        ) { await look(at: database) }
        let checks = rest.routes.isEmpty ? [] : [check]
        return HealthChecks(checks, health: telemetry.health, on: group.loops[0])
    }

    /// A loop that cannot run a task in time is stuck, whatever else works.
    func heartbeat() -> HealthChecks {
        let loops = group.loops
        let check = HealthCheck("event_loop", component: "system", probe: .live) {
            let started = uptimeNanoseconds()
            for loop in loops {
                await Task(executorPreference: loop) {}.value
            }
            return HealthFinding(.pass, nanoseconds: uptimeNanoseconds() &- started)
        }
        return HealthChecks([check], health: telemetry.health, on: loops[0])
    }

    private func look(at database: Database) async -> HealthFinding {
        let context = RequestContext(
            identity: .system,
            deadline: uptimeNanoseconds() &+ 2_000_000_000,
            trace: RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        )
        let ask = Transaction(
            summary: "SELECT health",
            access: .readOnly,
            statements: [Query("SELECT 1")]
        )
        do throws(Problem) {
            _ = try await database.perform(ask, in: context)
            return HealthFinding(.pass)
        } catch {
            guard error.isForLackOfSessions else { return HealthFinding(.fail, error.message) }
            // That every session is in use says nothing of the database: ask it past the pool.
            let connection = listenerSession.connection
            let isThere = try? await blocking.run { BlockingSession.isServerReady(connection) }
            return isThere == true
                ? HealthFinding(.warn, "PostgreSQL answers, but no session of the pool was free")
                : HealthFinding(.fail, error.message)
        }
    }
}

extension ServerLimits {
    fileprivate init(_ http: Configuration.HTTP) {
        self.init()
        headerBytesMax = http.headerBytesMax
        headerCountMax = http.headerCountMax
        targetBytesMax = http.targetBytesMax
        bodyBytesMax = http.bodyBytesMax
        heldBytesMax = max(http.heldBytesMax, http.bodyBytesMax)
        headerReadTimeout = http.headerTimeout
        bodyReadTimeout = http.bodyTimeout
        idleTimeout = http.idleTimeout
        writeTimeout = http.writeTimeout
        connectionsMax = http.connectionsMax
        if !http.compresses { compressBytesMin = .max }
    }
}

extension PoolSettings {
    /// The limits are the process's; each loop has its share, the first ones of what is left over.
    init(_ database: Configuration.Database, loop: Int, of loopCount: Int) {
        func share(of total: Int) -> Int {
            total / loopCount + (loop < total % loopCount ? 1 : 0)
        }
        self.init()
        connectionsMax = share(of: database.poolMax)
        connectionsMin = share(of: database.poolMin)
        // Who comes first waits, for the connection that is then made.
        waitersMax = max(1, share(of: database.poolWaitersMax))
        acquireTimeout = database.poolAcquireTimeout.nanoseconds
        lifetime = database.poolLifetimeMax.nanoseconds
        idleTimeout = database.poolIdleTimeout.nanoseconds
    }
}
