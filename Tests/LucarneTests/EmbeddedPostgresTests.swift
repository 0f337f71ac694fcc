// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Glibc
import PostgresClient
import Synchronization
import Testing

@testable import Lucarne

/// What an embedded server reported, in order.
private final class Events: Sendable {
    private let list = Mutex<[EmbeddedEvent]>([])

    func add(_ event: EmbeddedEvent) { list.withLock { $0.append(event) } }
    var all: [EmbeddedEvent] { list.withLock { $0 } }
}

private func start(_ scratch: Scratch, _ events: Events = Events()) throws -> EmbeddedPostgres {
    try EmbeddedPostgres.start(dataDirectory: scratch.path, binaries: nil, observe: events.add)
}

private func value(
    _ sql: String,
    of server: EmbeddedPostgres,
    as user: String = "postgres"
) throws
    -> String?
{
    let session = try BlockingSession(server.connection(user: user))
    return try session.query(sql).first?.first ?? nil
}

@Suite(.serialized) struct EmbeddedPostgresTests {
    @Test func `the first start initialises, later ones find what was written`() throws {
        let scratch = Scratch()
        let events = Events()
        var server = try start(scratch, events)
        #expect(try value("SHOW wal_level", of: server) == "logical")
        #expect(try value("SHOW listen_addresses", of: server) == "")
        _ = try value("CREATE TABLE kept AS SELECT 42 AS answer", of: server)
        server.stop()
        #expect(!Files.exists(server.socketDirectory + "/.s.PGSQL.5432"))
        server = try start(scratch, events)
        #expect(try value("SELECT answer FROM kept", of: server) == "42")
        server.stop()
        server.stop()
        let milestones = events.all.filter { if case .line = $0 { false } else { true } }
        #expect(milestones == [.initialised, .started, .stopped, .started, .stopped])
        #expect(events.all.contains { if case .line("LOG", _) = $0 { true } else { false } })
    }

    @Test func `a directory's name may have what connection strings are quoted with`() throws {
        let scratch = Scratch()
        let path = scratch.path + "/it's"
        let server = try EmbeddedPostgres.start(dataDirectory: path, binaries: nil) { _ in }
        defer { server.stop() }
        #expect(try value("SELECT 1", of: server) == "1")
        #expect(EmbeddedPostgres.runningConnection(in: path) != nil)
    }

    @Test func `only its owner may come near the files and the socket`() throws {
        let scratch = Scratch()
        let server = try start(scratch)
        defer { server.stop() }
        for path in [scratch.path + "/postgres", server.socketDirectory] {
            var status = stat()
            #expect(unsafe stat(path, &status) == 0)
            #expect(status.st_mode & 0o777 == 0o700)
            #expect(status.st_uid != 0)
        }
    }

    @Test func `a killed server is started again, with what was committed`() async throws {
        let scratch = Scratch()
        let events = Events()
        let server = try start(scratch, events)
        defer { server.stop() }
        _ = try value("CREATE TABLE kept AS SELECT 42 AS answer", of: server)
        let pid = try Files.readText(scratch.path + "/postgres/postmaster.pid")
            .split(separator: "\n").first.flatMap { Int32($0) }
        kill(try #require(pid), SIGKILL)
        var answer: String?
        for _ in 0..<100 where answer == nil {
            try await Task.sleep(for: .milliseconds(100))
            answer = try? value("SELECT answer FROM kept", of: server)
        }
        #expect(answer == "42")
        #expect(events.all.contains(.ended(exitCode: -1, restartMilliseconds: 100)))
    }

    @Test func `what a crash leaves behind does not block the next start`() throws {
        let scratch = Scratch()
        var server = try start(scratch)
        server.stop()
        // The pid of somebody who lives, as happens in containers.
        let pidFile = scratch.path + "/postgres/postmaster.pid"
        let stale = "\(getpid())\n\(scratch.path)/postgres\n1\n5432\n"
        try Files.create(pidFile, Array(stale.utf8), mode: 0o644)
        let socket = server.socketDirectory + "/.s.PGSQL.5432"
        try Files.create(socket, [], mode: 0o644)
        try Files.create(socket + ".lock", Array(stale.utf8), mode: 0o644)
        _ = unsafe mkdir(scratch.path + "/postgres.new", 0o700)
        server = try start(scratch)
        #expect(try value("SELECT 1", of: server) == "1")
        server.stop()
    }

    @Test func `a data directory serves one process at a time`() throws {
        let scratch = Scratch()
        #expect(EmbeddedPostgres.runningConnection(in: scratch.path) == nil)
        let server = try start(scratch)
        defer { server.stop() }
        let running = try #require(EmbeddedPostgres.runningConnection(in: scratch.path))
        #expect(try BlockingSession(running).query("SELECT 1") == [["1"]])
        let failure = #expect(throws: StartFailure.self) { try start(scratch) }
        #expect(
            failure?.description
                == "data-directory: \(scratch.path) is in use by process \(getpid())"
        )
    }

    @Test func `a place that cannot be used is named`() throws {
        let scratch = Scratch()
        let file = scratch.path + "/file"
        try Files.create(file, [], mode: 0o644)
        let onFile = #expect(throws: StartFailure.self) {
            try EmbeddedPostgres.start(dataDirectory: file + "/x", binaries: nil) { _ in }
        }
        #expect(onFile?.description == "data-directory: cannot make \(file)/x: Not a directory")
        let noBinaries = #expect(throws: StartFailure.self) {
            try EmbeddedPostgres.start(dataDirectory: scratch.path, binaries: "/nowhere") { _ in }
        }
        #expect(noBinaries?.description == "postgres-directory: no initdb and postgres in /nowhere")
    }

    @Test func `what made a cluster from the PATH serves it again`() throws {
        let scratch = Scratch()
        for name in ["initdb", "postgres"] {
            try Files.create(scratch.path + "/" + name, [], mode: 0o755)
        }
        func directory(_ path: String) throws -> String {
            try PostgresBinaries.find(configured: nil, clusterVersion: "99", path: path).directory
        }
        let packaged = try PostgresBinaries.find(configured: nil, clusterVersion: nil, path: "")
        #expect(try directory("/nowhere:\(packaged.directory):\(scratch.path)") == scratch.path)
        let failure = #expect(throws: StartFailure.self) { try directory(packaged.directory) }
        #expect(failure?.description.contains("made by PostgreSQL 99") == true)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func `a directory closed to PostgreSQL's user is named before anything is tried`() throws {
        let scratch = Scratch()
        let closed = scratch.path + "/closed"
        _ = unsafe mkdir(closed, 0o700)
        let failure = #expect(throws: StartFailure.self) {
            try EmbeddedPostgres.start(dataDirectory: closed + "/in", binaries: nil) { _ in }
        }
        #expect(failure?.description.hasPrefix("data-directory: \(closed) is closed to") == true)
    }

    @Test func `a path too long for a socket gets a short one`() {
        #expect(PostgresCluster.socketDirectory(for: "/data") == "/data/socket")
        let long = "/" + String(repeating: "long/", count: 30)
        let short = PostgresCluster.socketDirectory(for: long)
        #expect(short.hasPrefix("/tmp/lucarne-"))
        #expect(short != PostgresCluster.socketDirectory(for: long + "x"))
    }

    @Test(arguments: [
        ("LOG:  checkpoint starting: time", "LOG", "checkpoint starting: time"),
        ("DEBUG1:  x", "DEBUG1", "x"), ("\tat character 8", "", "at character 8"),
        ("strange:  x", "", "strange:  x"),
    ])
    func `a line of its log has a severity`(line: String, severity: String, message: String) {
        #expect(EmbeddedPostgres.event(of: line) == .line(severity: severity, message: message))
    }
}
