// SPDX-License-Identifier: Apache-2.0
import Telemetry
import Testing

@testable import PostgresClient

/// The pool's decisions, without a clock or a server.
struct PoolMachineTests {
    private func machine(minimum: Int = 0, maximum: Int = 1, waiters: Int = 2) -> PoolMachine {
        PoolMachine(
            limits: .init(minimum: minimum, maximum: maximum, waitersMax: waiters, lifetime: 100)
        )
    }

    @Test func `the first caller waits for the first connection`() {
        var machine = machine()
        #expect(machine.acquire(1, now: 0, deadline: 10) == .wait(connecting: true))
        #expect(machine.opened(7, now: 1, expires: 100) == .hand(7, to: 1))
        #expect(machine.leasedCount == 1)
    }

    @Test func `a released connection goes to whoever waited longest`() {
        var machine = machine()
        _ = machine.acquire(1, now: 0, deadline: 10)
        _ = machine.opened(7, now: 0, expires: 100)
        #expect(machine.acquire(2, now: 0, deadline: 10) == .wait(connecting: false))
        #expect(machine.acquire(3, now: 0, deadline: 10) == .wait(connecting: false))
        #expect(machine.released(7, isUsable: true, now: 1) == .hand(7, to: 2))
        #expect(machine.released(7, isUsable: true, now: 1) == .hand(7, to: 3))
        #expect(machine.released(7, isUsable: true, now: 1) == .keep)
        #expect(machine.idleCount == 1)
    }

    @Test func `who waits for a pool to be opened does not wait for others`() {
        var machine = machine(maximum: 2, waiters: 9)
        for waiter in 1...2 {
            #expect(machine.acquire(waiter, now: 0, deadline: 10) == .wait(connecting: true))
            #expect(machine.hasRoom)
        }
        #expect(machine.acquire(3, now: 0, deadline: 10) == .wait(connecting: false))
        #expect(!machine.hasRoom)
        #expect(machine.opened(7, now: 1, expires: 100) == .hand(7, to: 1))
        #expect(machine.opened(8, now: 1, expires: 100) == .hand(8, to: 2))
        #expect(machine.released(7, isUsable: true, now: 2) == .hand(7, to: 3))
        _ = machine.released(7, isUsable: false, now: 3)
        #expect(machine.acquire(4, now: 4, deadline: 10) == .wait(connecting: true))
        #expect(machine.hasRoom)
    }

    @Test func `more waiters than allowed are refused`() {
        var machine = machine(waiters: 1)
        _ = machine.acquire(1, now: 0, deadline: 10)
        #expect(machine.acquire(2, now: 0, deadline: 10) == .refuse(.exhausted))
    }

    @Test func `a waiter whose time is up leaves the queue`() {
        var machine = machine()
        _ = machine.acquire(1, now: 0, deadline: 10)
        _ = machine.acquire(2, now: 0, deadline: 20)
        #expect(machine.earliestDeadline == 10)
        #expect(machine.expireWaiters(now: 10) == [1])
        #expect(machine.opened(7, now: 11, expires: 100) == .hand(7, to: 2))
    }

    @Test func `with no database, waiters and newcomers are told at once`() {
        var machine = machine()
        let gone = PostgresFailure.unavailable("gone")
        _ = machine.acquire(1, now: 0, deadline: 10)
        #expect(machine.openFailed(gone, now: 0, jitter: 1).refused == [1])
        #expect(machine.acquire(2, now: 1, deadline: 10) == .refuse(gone))
        #expect(
            machine.acquire(3, now: 600_000_000, deadline: .max) == .wait(connecting: true)
        )
    }

    @Test(
        arguments: [
            (PostgresFailure.unavailable("gone"), PoolEvent.AcquireResult.unavailable),
            (.server(ServerError(sqlState: "53300", message: "too many clients")), .unavailable),
            (.exhausted, .refused), (.acquireTimedOut, .timeout), (.closed, .closed),
        ]
    )
    func `a database that is away is not a pool that is exhausted`(
        failure: PostgresFailure,
        result: PoolEvent.AcquireResult
    ) {
        #expect(PoolEvent.AcquireResult(failure) == result)
    }

    @Test func `the pauses between attempts grow to a limit`() {
        var machine = machine()
        var pauses: [UInt64] = []
        for _ in 0..<8 {
            _ = machine.connectIfAllowed(now: 0)
            pauses.append(machine.openFailed(.unavailable(""), now: 0, jitter: 1).retryAt)
        }
        #expect(pauses.prefix(4) == [50_000_000, 100_000_000, 200_000_000, 400_000_000])
        #expect(pauses.suffix(4).allSatisfy { $0 == 500_000_000 })
    }

    @Test func `an old connection is closed when it comes back, and replaced if somebody waits`() {
        var machine = machine()
        _ = machine.acquire(1, now: 0, deadline: 1_000)
        _ = machine.opened(7, now: 0, expires: 100)
        _ = machine.acquire(2, now: 0, deadline: 1_000)
        #expect(
            machine.released(7, isUsable: true, now: 100) == .close(.lifetime, reconnecting: true)
        )
        #expect(machine.opened(8, now: 101, expires: 300) == .hand(8, to: 2))
    }

    @Test func `idle connections above the minimum retire`() {
        var machine = PoolMachine(limits: .init(minimum: 1, maximum: 3, idleTimeout: 10))
        for id in 1...3 {
            _ = machine.acquire(id, now: 0, deadline: 100)
            _ = machine.opened(id, now: 0, expires: 1_000)
        }
        for id in 1...3 { _ = machine.released(id, isUsable: true, now: 0) }
        #expect(machine.retire(now: 5).isEmpty)
        #expect(machine.retire(now: 10).count == 2)
        #expect(machine.idleCount == 1)
    }

    @Test func `a closed pool refuses and closes what comes back`() {
        var machine = machine()
        _ = machine.acquire(1, now: 0, deadline: 10)
        _ = machine.opened(7, now: 0, expires: 100)
        _ = machine.acquire(2, now: 0, deadline: 10)
        #expect(machine.close().waiters == [2])
        #expect(machine.acquire(3, now: 0, deadline: 10) == .refuse(.closed))
        #expect(
            machine.released(7, isUsable: true, now: 1) == .close(.shutdown, reconnecting: false)
        )
    }
}

struct StatementCacheTests {
    @Test func `the least recently used statement makes room`() {
        var cache = StatementCache(capacity: 2)
        guard case .missing(let first, nil) = cache.look(up: "a"),
            case .missing(_, nil) = cache.look(up: "b")
        else { return #expect(Bool(false), "an empty cache has room") }
        #expect(cache.look(up: "a") == .prepared(name: first))
        guard case .missing(_, let evicted?) = cache.look(up: "c") else {
            return #expect(Bool(false), "a full cache evicts")
        }
        #expect(evicted != first)
        #expect(cache.look(up: "a") == .prepared(name: first))
        #expect(cache.count == 2)
    }
}
