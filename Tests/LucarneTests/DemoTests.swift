// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc
import PostgresClient
import Rest
import Testing

@testable import Lucarne

@Suite(.serialized) struct DemoTests {
    private var migrations: String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return "/" + root + "/docs/demo/migrations"
    }

    @Test func `the demo's schema is applied, and its policies hold`() throws {
        let database = try TestDatabase()
        let files = try Migration.read(from: migrations)
        #expect(files.count >= 4)
        _ = try Migrator(connection: database.owner).migrate(files)

        let session = try BlockingSession(database.connection(user: "authenticator"))
        try session.run("BEGIN; SET LOCAL ROLE anon")
        #expect(try session.query("SELECT count(*) FROM planets") == [["8"]])
        #expect(try session.query("SELECT name FROM planets_larger_than(60000)") == [["Jupiter"]])
        #expect(try session.query("SELECT surface_gravity('Earth')") == [["9.82"]])
        let overview =
            "SELECT moons_listed, missions_sent FROM planet_overview WHERE name = 'Jupiter'"
        #expect(try session.query(overview) == [["4", "6"]])
        #expect(try session.query("SELECT count(*) FROM observations") == [["1"]])
        let refused = #expect(throws: PostgresFailure.self) {
            try session.run("INSERT INTO planets (name) VALUES ('Vulcan')")
        }
        guard case .server(let error) = refused else {
            Issue.record("not refused by the server")
            return
        }
        #expect(error.sqlState == "42501")
    }
}

@Suite(.serialized) struct DoctorTests {
    @Test func `the doctor finds what is missing, and says how to mend it`() throws {
        let scratch = Scratch()
        let server = try EmbeddedPostgres.start(dataDirectory: scratch.path, binaries: nil) { _ in }
        defer { server.stop() }
        let owner = server.connection(user: "postgres")
        var configuration = Configuration()
        configuration.database.url = owner
        configuration.database.migrationsDirectory = scratch.path + "/none"
        configuration.rest.schemas = ["public", "api"]
        var findings = Doctor.database(configuration, owner)
        #expect(findings.map(\.verdict) == [.fine, .fault, .fault, .fine, .warning])
        #expect(findings[1].message == "missing: anon, authenticated, service_role")
        #expect(findings[2].message == "exposed, but not there: api")

        _ = try Migrator(connection: owner).migrate([])
        let session = try BlockingSession(owner)
        try session.run("CREATE SCHEMA api; CREATE TABLE open (id int)")
        findings = Doctor.database(configuration, owner)
        #expect(findings.map(\.verdict) == [.fine, .fine, .fine, .warning, .fine])
        #expect(findings[3].mend == "ALTER TABLE public.open ENABLE ROW LEVEL SECURITY;")

        let unreachable = Doctor.database(configuration, "host=/nowhere user=x")
        #expect(unreachable.map(\.verdict) == [.fault])
    }

    @Test func `a health check of nobody says so`() {
        let socket = "/tmp/lucarne-nobody-\(getpid())"
        #expect(
            HealthCheckCommand.status(of: "/readyz", at: .unix(path: socket), timeoutSeconds: 1)
                == nil
        )
    }

    @Test func `a health check ends in time, however slowly it is answered`() async throws {
        let group = try EventLoopGroup(count: 1)
        group.start(includingFirst: true) { _ in }
        defer { group.stop() }
        let loop = group.loops[0]
        let listening = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
        let dripping = Task(executorPreference: loop) {
            let socket = try await listening.acceptor(on: loop).accept()
            for byte in "HTTP/1.1 200".utf8 {
                try await socket.write([byte], deadline: .max)
                try await loop.sleep(nanoseconds: 300_000_000)
            }
        }
        defer { dripping.cancel() }
        let address = listening.address
        #expect(
            HealthCheckCommand.status(of: "/readyz", at: address, timeoutSeconds: 1) == nil
        )
    }

    @Test func `old software and a wrong clock are faults`() {
        #expect(Doctor.version(120_004).verdict == .fault)
        #expect(Doctor.version(150_018) == Doctor.Finding(.fine, "database", "PostgreSQL 15.18"))
        #expect(Doctor.clock(0).verdict == .fault)
        #expect(Doctor.secret(Configuration()).verdict == .fine)
    }
}
