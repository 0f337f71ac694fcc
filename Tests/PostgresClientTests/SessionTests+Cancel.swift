// SPDX-License-Identifier: Apache-2.0
import CLibpq
import EventLoop
import Glibc
import Support
import Testing

@testable import PostgresClient

extension SessionTests {
    @Test func `past its deadline a statement is cancelled and the session stays`() async throws {
        let soon = soon
        let again = try await withSession { session in
            let started = uptime()
            await #expect(throws: PostgresFailure.deadlinePassed) {
                try await session.exchange(
                    [Query("select pg_sleep(30)")],
                    deadline: started + 200_000_000
                )
            }
            #expect(uptime() - started < 10_000_000_000)
            return try await session.exchange([Query("select 1")], deadline: soon)[0].integer(0, 0)
        }
        #expect(again == 1)
    }

    @Test func `when the caller leaves, the statement is cancelled`() async throws {
        let soon = soon
        let state: String? = try await withSession { session in
            let cancellation = Cancellation()
            _ = session.loop.schedule(at: uptime() + 100_000_000) { cancellation.cancel() }
            do {
                let sleep = Query("select pg_sleep(30)")
                _ = try await session.exchange([sleep], deadline: soon, cancellation: cancellation)
                return nil
            } catch PostgresFailure.server(let error) {
                return error.sqlState
            }
        }
        #expect(state == "57014")
    }

    @Test func `a cancel never hits the statement after the one it was for`() async throws {
        let soon = soon
        try await withSession { session in
            for round in 0..<100 {
                let cancellation = Cancellation()
                let pause = UInt64(round % 10) * 100_000
                _ = session.loop.schedule(at: uptime() + pause) { cancellation.cancel() }
                let quick = Query("SELECT pg_sleep(0.0005)")
                _ = try? await session.exchange([quick], deadline: soon, cancellation: cancellation)
                _ = try await session.exchange([Query("SELECT pg_sleep(0.002)")], deadline: soon)
            }
        }
    }

    @Test func `what is done before a cancel arrives is told as done`() async throws {
        let soon = soon
        try await withSession { session in
            let make = Query("create table heedless (id int)", isPrepared: false)
            _ = try await session.exchange([make], deadline: soon)
            let heedless = """
                do $$ begin perform pg_sleep(2); exception when query_canceled then null; end $$
                """
            let insert = Query("insert into heedless values (1)")
            let results = try await session.exchange(
                [insert, Query(heedless, isPrepared: false)],
                deadline: uptime() + 200_000_000
            )
            #expect(results.count == 2)
            let look = Query("select count(*) from heedless")
            #expect(try await session.exchange([look], deadline: soon)[0].integer(0, 0) == 1)
        }
    }

    @Test func `for a caller who has left nothing is sent`() async throws {
        let soon = soon
        try await withSession { session in
            let make = Query("create table deserted (id int)", isPrepared: false)
            _ = try await session.exchange([make], deadline: soon)
            let cancellation = Cancellation()
            cancellation.cancel()
            let insert = Query("insert into deserted values (1)")
            do {
                _ = try await session.exchange(
                    [insert],
                    deadline: soon,
                    cancellation: cancellation
                )
                Issue.record("the insert was sent")
            } catch PostgresFailure.server(let error) {
                #expect(error.sqlState == "57014")
            }
            let look = Query("select count(*) from deserted")
            #expect(try await session.exchange([look], deadline: soon)[0].integer(0, 0) == 0)
        }
    }

    @Test func `a cancel that comes before the statement is repeated`() async throws {
        let soon = soon
        try await withSession { session in
            // More than the kernel's buffers hold: the server sees the end when it goes on.
            let text = String(repeating: "x", count: 8_000_000)
            let cancellation = Cancellation()
            let backend = pid_t(session.processID)
            kill(backend, SIGSTOP)
            _ = session.loop.schedule(at: uptime() + 50_000_000) { cancellation.cancel() }
            _ = session.loop.schedule(at: uptime() + 500_000_000) { kill(backend, SIGCONT) }
            let answered = try await session.answers(
                to: [Query("select length($1), pg_sleep(60)", texts: [text])],
                deadline: soon,
                cancellation: cancellation
            )
            #expect(answered.failure?.sqlState == "57014")
            #expect(session.isUsable)
        }
    }

    @Test func `a server that takes no cancel does not keep the sessions that were cancelled`()
        async throws
    {
        let (soon, blocking) = (soon, blocking)
        let server = try PostgresServer()
        let settings = SessionSettings(connection: server.connection())
        try await onLoop { loop in
            let observer = try await Session.connect(settings, on: loop, via: blocking)
            var sessions: [Session] = []
            for _ in 0..<4 {
                sessions.append(try await Session.connect(settings, on: loop, via: blocking))
            }
            let postmaster = try server.postmaster()
            kill(postmaster, SIGSTOP)
            defer { kill(postmaster, SIGCONT) }
            await withTaskGroup(of: Void.self) { group in
                for session in sessions {
                    group.addTask(executorPreference: loop) {
                        let answers = try? await session.exchange(
                            [Query("select 7, pg_sleep(1)")],
                            deadline: uptime() + 100_000_000
                        )
                        #expect(answers?[0].integer(0, 0) == 7, "it was done, cancelled or not")
                        #expect(!session.isUsable)
                    }
                }
            }
            sessions = []
            let count = Query(
                "select count(*) from pg_stat_activity where backend_type = 'client backend'"
            )
            var (left, pauses) = (5, 0)
            while left > 1, pauses < 200 {
                try await loop.sleep(nanoseconds: 10_000_000)
                left = try await observer.exchange([count], deadline: soon)[0].integer(0, 0) ?? 0
                pauses += 1
            }
            #expect(left == 1)
        }
    }

    @Test(arguments: [("", "30"), (" keepalives_idle=7", "7")])
    func `a host that is gone is noticed, as the connection string says or else soon`(
        said: String,
        idle: String
    ) async throws {
        let connection = try PostgresServer.shared.get().connection()
        let settings = SessionSettings(connection: connection + said)
        let blocking = blocking
        let found = try await onLoop { loop in
            let session = try await Session.connect(settings, on: loop, via: blocking)
            return session.option("keepalives_idle")
        }
        #expect(found == idle)
    }
}

extension Session {
    /// What libpq goes by, wherever it has it from.
    fileprivate func option(_ name: String) -> String? {
        guard let options = unsafe PQconninfo(connection) else { return nil }
        defer { unsafe PQconninfoFree(options) }
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if unsafe String(cString: keyword) == name {
                return unsafe option.pointee.val.map { unsafe String(cString: $0) }
            }
            unsafe option += 1
        }
        return nil
    }
}
