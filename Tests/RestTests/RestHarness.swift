// SPDX-License-Identifier: Apache-2.0
import Cryptography
import EventLoop
import HTTPServer
import JSONCoding
import LucarneCore
import Persistence
import PostgresClient
import Support
import Telemetry

@testable import Rest

/// The feature in memory over a real PostgreSQL: requests go in, responses come out, no socket.
struct RestHarness: Sendable {
    let loader: RestStateLoader
    let states = RestStates()
    let controller: RestController
    let context: RequestContext
    let telemetry: Telemetry
    /// The database's name.
    let database: String

    static let secret = "a secret of thirty-two characters"

    /// Runs `body` on a loop, against a database made by `schema`.
    static func run<Value: Sendable>(
        _ schema: String,
        _ change: (inout RestSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (RestHarness) async throws -> Value
    ) async throws -> Value {
        let server = try PostgresServer.shared.get()
        let name = "rest_\(UInt64.random(in: 0 ... .max))"
        try server.psql("CREATE DATABASE \(name)")
        try server.psql(roles + schema, database: name)
        var settings = RestSettings()
        settings.path = "/"
        settings.schemas = ["api"]
        settings.extraSearchPath = []
        settings.jwtSecret = secret
        change(&settings)
        let group = try EventLoopGroup(count: 1)
        group.start(includingFirst: true) { _ in }
        defer { group.stop() }
        let loop = group.loops[0]
        return try await Task(executorPreference: loop) { [settings] in
            let telemetry = Telemetry()
            let blocking = BlockingPool(name: "test", width: 2, waitingMax: 8)
            let pool = Pool(
                session: SessionSettings(connection: server.connection(database: name)),
                settings: PoolSettings(),
                loop: loop,
                blocking: blocking,
                telemetry: telemetry
            )
            pool.start()
            defer { pool.close() }
            let database = Database(pools: [pool], telemetry: telemetry)
            let harness = RestHarness(database, blocking, settings, name, telemetry)
            try await harness.load()
            return try await body(harness)
        }.value
    }

    private static let roles = """
        DO $$ BEGIN CREATE ROLE anon NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
        DO $$ BEGIN CREATE ROLE author NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
        CREATE SCHEMA api;
        GRANT USAGE ON SCHEMA api TO anon, author;
        """

    private init(
        _ database: Database,
        _ blocking: BlockingPool,
        _ settings: RestSettings,
        _ name: String,
        _ telemetry: Telemetry
    ) {
        self.database = name
        self.telemetry = telemetry
        loader = RestStateLoader(
            repository: CatalogRepository(database: database, blocking: blocking),
            settings: settings,
            telemetry: telemetry
        )
        controller = RestController(
            service: RestService(repository: RestRepository(database: database)),
            states: states,
            mount: settings.path
        )
        context = RequestContext(
            identity: Identity(role: "", claims: "{}", isAnonymous: false),
            trace: RequestTrace(startedAt: uptime(), context: .restarted())
        )
    }

    func load(_ wish: RestReload = .everything) async throws {
        let state = try await loader.load(wish, replacing: states.current, in: context)
        states.replace(with: state)
        states.forgetRetired()
    }

    /// As the owner, behind the feature's back.
    func change(_ sql: String) throws {
        _ = try PostgresServer.shared.get().psql(sql, database: database)
    }

    struct Answer: Sendable {
        let status: Int
        let headers: HeaderFields
        let body: String
    }

    func send(
        _ method: Method,
        _ target: String,
        _ headers: HeaderFields = [:],
        body: String = "",
        as role: String? = nil
    ) async throws -> Answer {
        var headers = headers
        if let role {
            let token = TokenMint(secret: Array(Self.secret.utf8)).mint(["role": .string(role)])
            headers.append("Authorization", "Bearer \(token)")
        }
        let request = Request(method, target, headers: headers, body: Array(body.utf8))
        let response = await controller.respond(to: request)
        return Answer(
            status: response.status,
            headers: response.headers,
            body: String(decoding: try await response.collectedBody(), as: UTF8.self)
        )
    }
}
