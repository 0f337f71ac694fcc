// SPDX-License-Identifier: Apache-2.0
import EventLoop
import HTTPServer
import LucarneCore
import Persistence
import PostgresClient
import QueryPlanner
import Rest
import Synchronization
import Telemetry

/// REST, wired: its routes, and the catalog that they answer from, kept current.
struct RestServing: Sendable {
    let routes: [Route]
    private let loader: RestStateLoader
    private let states: RestStates
    private let settings: RestSettings
    private let serving: Serving
    private let reloads: AsyncStream<Void>
    private let request: AsyncStream<Void>.Continuation
    private let wanted = RestWishes()

    /// Several notifications of one migration are one reload.
    private static let debounce: UInt64 = 100_000_000
    private static let retryPause: UInt64 = 500_000_000
    private static let loadTimeout: UInt64 = 60_000_000_000
    private static let firstLoadTimeout: UInt64 = 5_000_000_000
    private static let firstListenerTimeout: UInt64 = 2_000_000_000

    init(_ serving: Serving, _ database: Database) {
        self.serving = serving
        settings = serving.configuration.rest
        states = RestStates()
        let blocking = serving.blocking
        let catalog = CatalogRepository(database: database, blocking: blocking)
        loader = RestStateLoader(
            repository: catalog,
            settings: settings,
            telemetry: serving.telemetry
        )
        let controller = RestController(
            service: RestService(
                repository: RestRepository(
                    database: database,
                    // Half of a loop's sessions at most: the rest is for whoever wants little.
                    listsMaxALoop: serving.configuration.database.poolMax
                        / serving.group.loops.count / 2
                )
            ),
            states: states,
            mount: settings.path,
            timeout: serving.configuration.database.requestTimeout.nanoseconds
        )
        routes =
            serving.configuration.features.contains(.rest)
            ? RestRoutes.routes(
                at: settings.path,
                bodyBytesMax: serving.configuration.http.bodyBytesMax,
                controller: controller
            ) { template, methods in
                RouteTelemetry(
                    template: template,
                    registry: serving.telemetry.registry,
                    methods: methods,
                    service: ServiceName("rest", template.contains("/rpc/") ? .call : nil)
                )
            } : []
        (reloads, request) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        serving.telemetry.health.declare("catalog")
    }

    func requestReload(_ wish: RestReload) {
        guard !wish.isEmpty else { return }
        wanted.add(wish)
        request.yield()
    }

    /// Tries once to load the catalog, so that the first client to be let in finds it; without a
    /// database it gives up soon, for probes want an answer then too. Returns who has listened to
    /// changes since before that, if the database let anybody.
    func prepare() async -> Session? {
        guard !routes.isEmpty else {
            serving.telemetry.health.report("catalog", HealthFinding(.pass, "not served"))
            serving.telemetry.passed(.database, "nothing served needs it")
            return nil
        }
        let listener = await firstListener(on: serving.group.loops[0])
        if !(await reload(.everything, within: Self.firstLoadTimeout)) {
            requestReload(.everything)
        }
        return listener
    }

    /// Clients are let in.
    func learnListening() {
        serving.telemetry.passed(.listening)
        learnStart()
    }

    /// The start is over when clients are let in and there is something for them, whichever is last.
    private func learnStart() {
        guard routes.isEmpty || states.current != nil, serving.telemetry.hasPassed(.listening)
        else { return }
        serving.telemetry.health.learn(.started)
    }

    /// On the loop's thread.
    private func firstListener(on loop: EventLoop) async -> Session? {
        guard settings.channelEnabled else { return nil }
        let connecting = Task(executorPreference: loop) { () -> Session? in
            do throws(PostgresFailure) {
                let session = try await Session.connect(
                    serving.listenerSession,
                    on: loop,
                    via: serving.blocking
                )
                try await using(session, loop) { () async throws(PostgresFailure) in
                    try await session.subscribe(to: [settings.channel])
                }
                return session
            } catch {
                return nil
            }
        }
        // Readiness waits for this.
        let late = loop.schedule(at: uptimeNanoseconds() &+ Self.firstListenerTimeout) {
            connecting.cancel()
        }
        defer { late.cancel() }
        return await withTaskCancellationHandler {
            await connecting.value
        } onCancel: {
            connecting.cancel()
        }
    }

    /// Loads the catalog again whenever something says that it has changed.
    func keepCurrent(_ listener: Session?) async {
        guard !routes.isEmpty else { return }
        let loop = serving.group.loops[0]
        await withTaskGroup(of: Void.self) { tasks in
            // No client waits for this, so it is no part of the first reload.
            if states.current != nil {
                tasks.addTask(executorPreference: loop) { await lookAtMigrations() }
            }
            tasks.addTask(executorPreference: loop) { await reloadOnRequest(loop) }
            if settings.channelEnabled {
                tasks.addTask(executorPreference: loop) { await listen(loop, listener) }
            }
        }
    }

    private func reloadOnRequest(_ loop: EventLoop) async {
        for await _ in reloads {
            if states.current != nil { try? await loop.sleep(nanoseconds: Self.debounce) }
            let wish = wanted.taken()
            while !Task.isCancelled, !(await reload(wish, within: Self.loadTimeout)) {
                try? await loop.sleep(nanoseconds: Self.retryPause)
            }
            await lookAtMigrations()
        }
    }

    /// The old catalog keeps serving while, and when, this fails.
    private func reload(_ wish: RestReload, within patience: UInt64) async -> Bool {
        let telemetry = serving.telemetry
        let started = uptimeNanoseconds()
        let context = RequestContext(
            identity: .system,
            deadline: started &+ patience,
            trace: RequestTrace(startedAt: started, context: .restarted())
        )
        guard let configuration = await configuration(for: wish) else {
            // A file that is wrong keeps nobody from what the database has.
            let rest = wish.subtracting(.settings)
            return rest.isEmpty ? true : await reload(rest, within: patience)
        }
        do throws(Problem) {
            let state = try await loader.reading(configuration.rest).load(
                wish,
                replacing: states.current,
                in: context
            )
            for pool in serving.pools {
                await Task(executorPreference: pool.loop) { pool.outdateStatements() }.value
            }
            states.replace(with: state)
            if wish.contains(.settings) { take(configuration) }
            telemetry.report(
                .catalogReloaded(
                    nanoseconds: uptimeNanoseconds() &- started,
                    relations: state.catalog.tables.count,
                    routines: state.catalog.routines.count
                )
            )
            for name in state.malformedSettings { telemetry.report(.settingIgnored(name)) }
            telemetry.health.report("catalog", HealthFinding(.pass))
            telemetry.health.report("database", HealthFinding(.pass))
            if telemetry.health.lifecycle == .starting { telemetry.passed(.database) }
            learnStart()
            try? await serving.blocking.run { [states] in states.forgetRetired() }
            return true
        } catch {
            telemetry.report(.catalogReloadFailed(error.message))
            return false
        }
    }

    /// What the configuration says now, where settings are wished for; nil when it says nothing that
    /// one can serve under, which trying again does not change.
    private func configuration(for wish: RestReload) async -> Configuration? {
        let current = serving.current.value
        guard wish.contains(.settings), states.current != nil else { return current }
        let reread = serving.reread
        let result = try? await serving.blocking.run {
            () -> Result<Configuration, ConfigurationFailure> in
            do throws(ConfigurationFailure) { return .success(try current.taking(reread())) } catch
            {
                return .failure(error)
            }
        }
        switch result {
        case .success(let configuration): return configuration
        case .failure(let failure):
            serving.telemetry.report(.settingsNotRead(failure.description))
            return nil
        case nil: return current
        }
    }

    private func take(_ configuration: Configuration) {
        serving.current.value = configuration
        serving.telemetry.report(.settingsRead)
        serving.telemetry.report(
            .configuration(
                fingerprint: configuration.fingerprint,
                environment: configuration.environment.rawValue
            )
        )
    }

    /// Whoever applies migrations has the catalog read anew.
    private func lookAtMigrations() async {
        let (configuration, connection) = (serving.configuration, serving.ownerConnection)
        let found = try? await serving.blocking.run {
            MigrationStanding.read(configuration, connection)
        }
        guard let standing = found ?? nil else { return }
        serving.telemetry.report(
            .migrations(version: standing.version, pending: standing.pending)
        )
    }

    private func listen(_ loop: EventLoop, _ first: Session?) async {
        if let first { try? await listen(first, loop, isFirst: true) }
        while !Task.isCancelled {
            do throws(PostgresFailure) {
                let session = try await Session.connect(
                    serving.listenerSession,
                    on: loop,
                    via: serving.blocking
                )
                try await listen(session, loop, isFirst: false)
            } catch {
                // The pool reports a lost database; here it only means to try again.
                try? await loop.sleep(nanoseconds: Self.retryPause)
            }
        }
    }

    private func listen(
        _ session: Session,
        _ loop: EventLoop,
        isFirst: Bool
    ) async throws(PostgresFailure) {
        try await using(session, loop) { () async throws(PostgresFailure) in
            // What was notified while nobody listened is lost: look once after each gap.
            try await session.listen(to: [settings.channel]) {
                if !isFirst { requestReload(.everything) }
            } _: { notification in
                requestReload(RestReload(notification: notification.payload))
            }
        }
    }

    /// What waits for a session's answer does not heed that its task is cancelled: the session ends.
    private func using(
        _ session: Session,
        _ loop: EventLoop,
        _ body: () async throws(PostgresFailure) -> Void
    ) async throws(PostgresFailure) {
        let result: Result<Void, PostgresFailure> = await withTaskCancellationHandler {
            do throws(PostgresFailure) { return .success(try await body()) } catch {
                return .failure(error)
            }
        } onCancel: {
            loop.perform { session.close() }
        }
        try result.get()
    }
}

/// What was asked to be read anew since it was last.
private final class RestWishes: Sendable {
    private let wishes = Mutex<RestReload>([])

    func add(_ wish: RestReload) { wishes.withLock { $0.formUnion(wish) } }

    func taken() -> RestReload {
        wishes.withLock { wishes in
            defer { wishes = [] }
            return wishes
        }
    }
}

extension Identity {
    /// The process itself, as whoever the connection logs in as.
    static let system = Identity(role: "", claims: "{}", isAnonymous: false)
}
