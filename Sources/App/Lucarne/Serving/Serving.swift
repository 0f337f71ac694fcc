// SPDX-License-Identifier: Apache-2.0
import Dispatch
import EventLoop
import Glibc
import HTTPServer
import Operations
import Persistence
import PostgresClient
import Rest
import Telemetry

/// One process's service, from listening to the end of the drain.
struct Serving: Sendable {
    let configuration: Configuration
    /// With what was taken since.
    let current: CurrentConfiguration
    let reread: ConfigurationReading
    let telemetry: Telemetry
    let group: EventLoopGroup
    let blocking: BlockingPool
    let pools: [Pool]
    let listenerSession: SessionSettings
    /// Who may look at the migrations' record.
    let ownerConnection: String
    let interruption: StartInterruption

    init(
        _ configuration: Configuration,
        _ reread: @escaping ConfigurationReading,
        _ telemetry: Telemetry,
        _ group: EventLoopGroup,
        _ interruption: StartInterruption
    ) {
        self.configuration = configuration
        current = CurrentConfiguration(configuration)
        self.reread = reread
        self.telemetry = telemetry
        self.group = group
        self.interruption = interruption
        let blocking = BlockingPool(
            name: "blocking",
            width: configuration.blockingThreads,
            waitingMax: 1_024,
            waited: { telemetry.report(.workerWaited(.blocking, nanoseconds: $0)) }
        )
        self.blocking = blocking
        telemetry.watch(.blocking) { blocking.waitingCount }
        let address = DatabaseAddress(configuration)
        ownerConnection = address.ownerConnection
        var session = SessionSettings(connection: address.connection)
        session.connectTimeout = configuration.database.connectTimeout.secondsRoundedUp
        session.preparesStatements = configuration.rest.preparedStatements
        let loopCount = group.loops.count
        pools = group.loops.map { [session] loop in
            Pool(
                session: session,
                settings: PoolSettings(configuration.database, loop: loop.index, of: loopCount),
                loop: loop,
                blocking: blocking,
                telemetry: telemetry
            )
        }
        // A standby, which the pools may well be for, cannot LISTEN (PostgreSQL §27.4.1).
        session.wantsPrimary = true
        listenerSession = session
        telemetry.report(.limited(to: configuration.database.poolMax))
    }

    /// Serves until told to stop; returns when the drain is over. The operations' own listener is
    /// there before the database, which `prepare` makes ready on a thread that may block: probes and
    /// metrics tell what the start waits for. Clients are let in when there is something for them.
    func run(
        preparing prepare: @escaping @Sendable () throws(StartFailure) -> Void
    ) async throws(StartFailure) {
        let started = uptimeNanoseconds()
        defer { for pool in pools { pool.loop.perform { pool.close() } } }
        let database = Database(
            pools: pools,
            telemetry: telemetry,
            explainer: StatementExplainer(
                connection: listenerSession.connection,
                telemetry: telemetry
            ),
            tellsTraces: configuration.database.tellsTraces
        )
        telemetry.declareStart()
        let rest = RestServing(self, database)
        let servers = servers(rest)
        let checks = healthChecks(rest, database)
        let heartbeat = heartbeat()
        if let open = configuration.openOperationsAddress {
            telemetry.operationsAreOpen(on: open.description)
        }
        let (openings, opening) = AsyncStream<Void>.makeStream()
        let failure = await withTaskGroup(of: Ending.self) { tasks in
            for (index, (server, address)) in servers.enumerated() {
                let listener: Listener = index == 0 ? .public : .admin
                tasks.addTask(executorPreference: group.loops[0]) {
                    if listener == .public, !(await isOpened(openings)) { return .served }
                    return await serve(server, on: address, listener, since: started) {
                        if listener == .public { rest.learnListening() }
                    }
                }
            }
            tasks.addTask(executorPreference: group.loops[0]) {
                defer { opening.finish() }
                return await begin(rest, checks, prepare) { opening.yield() }
            }
            tasks.addTask(executorPreference: group.loops[0]) {
                await heartbeat.run()
                return .background
            }
            tasks.addTask(executorPreference: group.loops[0]) {
                await operations.run()
                return .background
            }
            tasks.addTask(executorPreference: group.loops[0]) {
                await obeySignals(rest, servers.map(\.0)) ? .drained : .background
            }
            return await firstFailure(of: servers.count, in: &tasks)
        }
        telemetry.health.learn(.stopped)
        if let failure { throw failure }
    }

    /// Starts all that needs the database, and keeps it current.
    private func begin(
        _ rest: RestServing,
        _ checks: HealthChecks,
        _ prepare: @escaping @Sendable () throws(StartFailure) -> Void,
        whenReady open: () -> Void
    ) async -> Ending {
        do throws(StartFailure) {
            guard try await connect(prepare) else { return .background }
        } catch {
            return .failed(error)
        }
        let listener = await rest.prepare()
        open()
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask(executorPreference: group.loops[0]) { await checks.run() }
            await rest.keepCurrent(listener)
        }
        return .background
    }

    /// Whether clients are to be let in, once that is known.
    private func isOpened(_ openings: AsyncStream<Void>) async -> Bool {
        for await _ in openings { return telemetry.health.lifecycle != .draining }
        return false
    }

    /// Prepares the database and connects to it. False when it was told to stop before that.
    private func connect(
        _ prepare: @escaping @Sendable () throws(StartFailure) -> Void
    ) async throws(StartFailure) -> Bool {
        let result: Result<Void, StartFailure> = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                // Its programs end with the thread that started them: it is of their own.
                DispatchQueue(label: "prepare").async {
                    unsafe continuation.resume(returning: Result(catching: prepare))
                }
            }
        } onCancel: {
            interruption.request()
        }
        interruption.finish()
        do throws(StartFailure) { try result.get() } catch {
            guard interruption.isRequested else { throw error }
            return false
        }
        if !configuration.database.migratesOnStart {
            telemetry.passed(.migrations, "applied by whoever does that")
        }
        for pool in pools { pool.loop.perform { pool.start() } }
        return true
    }

    private enum Ending: Sendable {
        case served
        case failed(StartFailure)
        case drained
        case background
    }

    /// When no server is left, the rest has nothing to work for; nor has what waits for a database, to
    /// open one, when the others have been drained.
    private func firstFailure(
        of serverCount: Int,
        in tasks: inout TaskGroup<Ending>
    ) async -> StartFailure? {
        var remaining = serverCount
        var failure: StartFailure?
        for await ending in tasks {
            switch ending {
            case .background: continue
            case .served: remaining -= 1
            case .drained: remaining = 0
            case .failed(let reason): failure = failure ?? reason
            }
            if remaining <= 0 || failure != nil { tasks.cancelAll() }
        }
        return failure
    }

    private func serve(
        _ server: Server,
        on address: SocketAddress,
        _ listener: Listener,
        since started: UInt64,
        whenListening: @escaping @Sendable () -> Void
    ) async -> Ending {
        do {
            try await server.serve(on: [address], group: group) { addresses in
                for address in addresses {
                    telemetry.listening(on: address.description, listener)
                }
                telemetry.report(.startup(.listen, nanoseconds: uptimeNanoseconds() &- started))
                whenListening()
            }
            return .served
        } catch {
            return .failed(StartFailure("cannot listen on \(address): \(error)"))
        }
    }
}
