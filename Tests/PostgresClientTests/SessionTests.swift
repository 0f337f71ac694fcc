// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc
import PostgresClient
import Support
import Telemetry
import Testing

/// Sessions and pools against a real server.
@Suite(.serialized) struct SessionTests {
    let blocking = BlockingPool(name: "test", width: 4, waitingMax: 64)

    func onLoop<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoop) async throws -> Value
    ) async throws -> Value {
        let group = try EventLoopGroup(count: 1)
        group.start(includingFirst: true) { _ in }
        defer { group.stop() }
        let loop = group.loops[0]
        return try await Task(executorPreference: loop) { try await body(loop) }.value
    }

    func withSession<Value: Sendable>(
        _ body: @escaping @Sendable (Session) async throws -> Value
    ) async throws -> Value {
        let settings = SessionSettings(connection: try PostgresServer.shared.get().connection())
        let blocking = blocking
        return try await onLoop { loop in
            try await body(try await Session.connect(settings, on: loop, via: blocking))
        }
    }

    let soon = uptime() + 20_000_000_000

    @Test func `statements up to one Sync are one transaction`() async throws {
        let soon = soon
        let (name, after) = try await withSession { session in
            let set = Query("select set_config('app.name', $1, true)", texts: ["ada"])
            let get = Query("select current_setting('app.name', true)")
            let inside = try await session.exchange([set, get], deadline: soon)
            let outside = try await session.exchange([get], deadline: soon)
            return (inside[1].string(0, 0), outside[0].string(0, 0))
        }
        #expect(name == "ada")
        #expect(after == "")
    }

    @Test func `a failed statement undoes those before it, and the session goes on`() async throws {
        let soon = soon
        try await withSession { session in
            let make = Query("create table undone (id int)")
            let fail = Query("select 1/$1::int", texts: ["0"])
            await #expect(throws: PostgresFailure.self) {
                try await session.exchange([make, fail], deadline: soon)
            }
            let look = Query("select to_regclass('undone') is null")
            let results = try await session.exchange([look], deadline: soon)
            #expect(results[0].string(0, 0) == "t")
        }
    }

    @Test func `a deferred constraint is refused at the Sync`() async throws {
        let soon = soon
        try await withSession { session in
            let make = Query(
                "create table late (id int unique deferrable initially deferred)",
                isPrepared: false
            )
            _ = try await session.exchange([make], deadline: soon)
            let twice = Query("insert into late values (1), (1)")
            do {
                _ = try await session.exchange([twice], deadline: soon)
                Issue.record("the commit was not refused")
            } catch PostgresFailure.server(let error) {
                #expect(error.sqlState == "23505")
            }
            let count = try await session.exchange(
                [Query("select count(*) from late")],
                deadline: soon
            )
            #expect(count[0].integer(0, 0) == 0)
        }
    }

    @Test func `a statement is prepared once, and anew when its table has changed`() async throws {
        let soon = soon
        try await withSession { session in
            let run = { (sql: String) in
                try await session.exchange([Query(sql, isPrepared: false)], deadline: soon)
            }
            _ = try await run("create table shape (a int)")
            let read = Query("select * from shape")
            _ = try await session.exchange([read], deadline: soon)
            #expect(session.lookups.misses == 1)
            _ = try await session.exchange([read], deadline: soon)
            #expect(session.lookups.hits == 1)
            _ = try await run("alter table shape add b int")
            do {
                _ = try await session.exchange([read], deadline: soon)
                Issue.record("the plan should be stale")
            } catch PostgresFailure.server(let error) {
                #expect(error.isStalePlan)
            }
            let again = try await session.exchange([read], deadline: soon)
            #expect(again[0].columnCount == 2)
        }
    }

    @Test func `parameters keep their bytes, null is null, and NUL is refused`() async throws {
        let soon = soon
        try await withSession { session in
            let text = "a'\"\\ü\u{2028}\n"
            let echo = Query(
                "select $1::text, $2::text, $3::text",
                texts: [text, nil, ""]
            )
            let row = try await session.exchange([echo], deadline: soon)[0]
            #expect(row.string(0, 0) == text)
            #expect(row.isNull(0, 1))
            #expect(row.string(0, 2) == "")
            await #expect(throws: PostgresFailure.self) {
                try await session.exchange(
                    [Query("select $1::text", texts: ["a\0b"])],
                    deadline: soon
                )
            }
        }
    }

    @Test func `a large result arrives whole`() async throws {
        let soon = soon
        let count = try await withSession { session in
            let big = Query("select repeat('x', 20000000)")
            return unsafe try await session.exchange([big], deadline: soon)[0].bytes(0, 0).count
        }
        #expect(count == 20_000_000)
    }

    @Test func `a backend that is killed is a lost connection, not a hang`() async throws {
        let soon = soon
        let server = try PostgresServer.shared.get()
        try await withSession { session in
            let pid = session.processID
            let killer = Task {
                try server.psql("select pg_sleep(0.2), pg_terminate_backend(\(pid))")
            }
            do {
                _ = try await session.exchange([Query("select pg_sleep(30)")], deadline: soon)
                Issue.record("the backend survived")
            } catch PostgresFailure.server(let error) {
                #expect(error.sqlState == "57P01")
            } catch PostgresFailure.connectionLost {
            }
            _ = try await killer.value
            await #expect(throws: PostgresFailure.self) {
                try await session.exchange([Query("select 1")], deadline: soon)
            }
        }
    }

    @Test func `who wants a primary gets one, whatever the connection string wants`() async throws {
        let server = try PostgresServer.shared.get()
        var settings = SessionSettings(
            connection: server.connection() + " target_session_attrs=standby connect_timeout=2"
        )
        let (blocking, soon) = (blocking, soon)
        for (wantsPrimary, isFound) in [(false, false), (true, true)] {
            settings.wantsPrimary = wantsPrimary
            let found = try await onLoop { [settings] loop in
                guard let session = try? await Session.connect(settings, on: loop, via: blocking)
                else { return false }
                let look = Query("select pg_is_in_recovery()")
                let results = try await session.exchange([look], deadline: soon)
                session.close()
                return results[0].string(0, 0) == "f"
            }
            #expect(found == isFound)
        }
    }

    @Test func `notifications reach the listener`() async throws {
        let server = try PostgresServer.shared.get()
        let payload: String? = try await withSession { session in
            let listener = Task(executorPreference: session.loop) { () -> String? in
                var payload: String?
                try? await session.listen(to: ["pg\"rst"]) {
                    Task { try server.psql("notify \"pg\"\"rst\", 'reload schema'") }
                } _: { notification in
                    payload = notification.payload
                    session.close()
                }
                return payload
            }
            return await listener.value
        }
        #expect(payload == "reload schema")
    }

    @Test func `a listener asks from time to time whether the server is there, and goes on`()
        async throws
    {
        let server = try PostgresServer.shared.get()
        let payload: String? = try await withSession { session in
            let listener = Task(executorPreference: session.loop) { () -> String? in
                var payload: String?
                try? await session.listen(to: ["later"], pause: 10_000_000) {
                    Task { try server.psql("select pg_sleep(0.5); notify later, 'still'") }
                } _: { notification in
                    payload = notification.payload
                    session.close()
                }
                return payload
            }
            return await listener.value
        }
        #expect(payload == "still")
    }

    @Test func `a listener notices a server that is gone without a word`() async throws {
        try await withSession { session in
            let backend = pid_t(session.processID)
            defer { kill(backend, SIGCONT) }
            await #expect(throws: PostgresFailure.self) {
                try await session.listen(to: ["silence"], pause: 50_000_000) {
                    kill(backend, SIGSTOP)
                } _: { _ in
                }
            }
        }
    }

    @Test func `a copy streams every row, stops when told to, and leaves the session usable`()
        async throws
    {
        struct Enough: Error {}
        let soon = soon
        try await withSession { session in
            let copy = "copy (select generate_series(1, 200000)) to stdout"
            var bytes = 0
            let end = try await session.copyOut(copy, deadline: soon) { (row) throws(Enough) in
                bytes += row.count
            }
            #expect(end == nil)
            #expect(bytes == 1_288_895)
            var rows = 0
            let stopped = try await session.copyOut(copy, deadline: soon) { (_) throws(Enough) in
                rows += 1
                if rows == 10 { throw Enough() }
            }
            #expect(stopped != nil)
            await #expect(throws: PostgresFailure.self) {
                try await session.copyOut("copy nothing to stdout", deadline: soon) {
                    (_) throws(Enough) in
                }
            }
            let after = try await session.exchange([Query("select 1")], deadline: soon)
            #expect(after[0].integer(0, 0) == 1)
        }
    }

    @Test func `no server is a failure with a reason, at once`() async throws {
        let blocking = blocking
        try await onLoop { loop in
            let settings = SessionSettings(connection: "host=/nonexistent dbname=x")
            do {
                _ = try await Session.connect(settings, on: loop, via: blocking)
                Issue.record("connected to nothing")
            } catch PostgresFailure.unavailable(let reason) {
                #expect(reason.contains("/nonexistent"))
            }
        }
    }

    @Test func `what is sent and what is answered may both be more than buffers hold`() async throws
    {
        let soon = soon
        try await withSession { session in
            let text = String(repeating: "x", count: 1_000_000)
            let queries = (0..<16).map { _ in Query("select $1::text || $1", texts: [text]) }
            let results = try await session.exchange(queries, deadline: soon)
            let counts = results.map { unsafe $0.bytes(0, 0).count }
            #expect(counts == Array(repeating: 2_000_000, count: 16))
            let after = try await session.exchange([Query("select 1")], deadline: soon)
            #expect(after[0].integer(0, 0) == 1)
        }
    }
}
