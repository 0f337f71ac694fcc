// SPDX-License-Identifier: Apache-2.0
import EventLoop
import PostgresClient
import Support
import Testing

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
}
