// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Foundation
import Synchronization
import Testing

/// A loop on a thread of its own, stopped when the test ends.
private struct LoopScope {
    let group: EventLoopGroup
    var loop: EventLoop { group.loops[0] }

    init(observeBeat: (@Sendable (UInt64) -> Void)? = nil) throws {
        group = try EventLoopGroup(count: 1)
        group.loops[0].observeBeat = observeBeat
        group.start(includingFirst: true) { _ in }
    }

    func run<Value: Sendable>(
        _ body: @escaping @Sendable (EventLoop) async throws -> Value
    ) async throws -> Value {
        let loop = loop
        defer { group.stop() }
        return try await Task(executorPreference: loop) { try await body(loop) }.value
    }
}

private final class BeatNotes: Sendable {
    let all = Mutex<[UInt64]>([])

    @Sendable func add(_ late: UInt64) { all.withLock { $0.append(late) } }
}

struct EventLoopTests {
    @Test func `a task stays on its loop's thread across every wait`() async throws {
        let stayed = try await LoopScope().run { loop in
            var stayed = loop.isCurrent
            for _ in 0..<3 {
                try await loop.sleep(nanoseconds: 1_000_000)
                stayed = stayed && loop.isCurrent
            }
            return stayed
        }
        #expect(stayed)
    }

    @Test func `a turn's end comes when nothing is left to run in it`() async throws {
        final class Notes: Sendable {
            let all = Mutex<[String]>([])
            func add(_ note: String) { all.withLock { $0.append(note) } }
        }
        let notes = Notes()
        try await LoopScope().run { loop in
            loop.atTurnEnds { notes.add("end") }
            for name in ["first", "second"] {
                Task(executorPreference: loop) { notes.add(name) }
            }
            while notes.all.withLock({ !$0.contains("end") }) {
                try await loop.sleep(nanoseconds: 1_000_000)
            }
        }
        #expect(notes.all.withLock { Array($0.prefix(3)) } == ["first", "second", "end"])
    }

    @Test func `a loop that was blocked tells of each beat that it missed`() async throws {
        let beats = BeatNotes()
        try await LoopScope(observeBeat: beats.add).run { loop in
            try await loop.sleep(nanoseconds: 150_000_000)
            usleep(350_000)
            // No timer of the loop is due when it comes back.
            try await loop.sleep(nanoseconds: 10_000_000)
        }
        let late = beats.all.withLock { $0 }
        #expect(late.count >= 4)
        #expect(late.contains { $0 >= 250_000_000 })
        #expect(late.count { $0 >= 40_000_000 } >= 3)
    }

    @Test func `timers fire in the order of their due times`() async throws {
        let order = try await LoopScope().run { loop in
            await withTaskGroup(of: Int.self) { group in
                for delay in [30, 10, 20] {
                    group.addTask(executorPreference: loop) {
                        try? await loop.sleep(nanoseconds: UInt64(delay) * 1_000_000)
                        return delay
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        #expect(order == [10, 20, 30])
    }

    @Test func `a cancelled sleep ends at once with an error`() async throws {
        let elapsed = try await LoopScope().run { loop in
            let started = uptime()
            let sleeper = Task(executorPreference: loop) {
                try await loop.sleep(nanoseconds: 60_000_000_000)
            }
            try await loop.sleep(nanoseconds: 5_000_000)
            sleeper.cancel()
            await #expect(throws: CancellationError.self) { try await sleeper.value }
            return uptime() - started
        }
        #expect(elapsed < 5_000_000_000)
    }

    @Test(arguments: ["127.0.0.1:0", "[::1]:0", "unix:"])
    func `bytes written on one side are read on the other`(address: String) async throws {
        let address =
            address == "unix:"
            ? "unix:\(NSTemporaryDirectory())loop-\(UInt32.random(in: 0 ... .max)).sock" : address
        let echoed = try await LoopScope().run { loop in
            let listening = try ListeningSocket(SocketAddress(parsing: address))
            let acceptor = try listening.acceptor(on: loop)
            async let accepted = acceptor.accept()
            let client = try await StreamSocket.connect(to: listening.address, on: loop)
            let server = try await accepted
            // More than the kernel buffers, so that both sides have to wait for each other.
            let sent = [UInt8](repeating: 7, count: 3_000_000)
            let writer = Task(executorPreference: loop) {
                try await client.write(sent, deadline: .max)
                client.close()
            }
            let received = try await readAll(server)
            try await writer.value
            return received == sent
        }
        #expect(echoed)
    }

    @Test func `a read gives up at its deadline`() async throws {
        try await LoopScope().run { loop in
            let listening = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
            let acceptor = try listening.acceptor(on: loop)
            let client = try await StreamSocket.connect(to: listening.address, on: loop)
            let server = try await acceptor.accept()
            await #expect(throws: SocketError.timedOut) {
                _ = try await readAll(server, deadline: uptime() + 60_000_000)
            }
            client.close()
        }
    }

    /// Each byte ends a wait and begins another; the loop is hardly ever awake without one.
    @Test func `bytes that keep coming do not put a deadline off`() async throws {
        final class Trickle: Sendable { let isCutOff = Atomic(false) }
        let trickle = Trickle()
        let sending = try LoopScope()
        try await LoopScope().run { loop in
            let listening = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
            let address = listening.address
            let acceptor = try listening.acceptor(on: loop)
            async let wasCutOff = sending.run { loop in
                let client = try await StreamSocket.connect(to: address, on: loop)
                defer { client.close() }
                let end = uptime() + 10_000_000_000
                while !trickle.isCutOff.load(ordering: .relaxed), uptime() < end {
                    try await client.write([1], deadline: .max)
                    try await loop.sleep(nanoseconds: 0)
                }
                return trickle.isCutOff.load(ordering: .relaxed)
            }
            let server = try await acceptor.accept()
            for _ in 0..<10 {
                await #expect(throws: SocketError.timedOut) {
                    _ = try await readAll(server, deadline: uptime() + 60_000_000)
                }
            }
            trickle.isCutOff.store(true, ordering: .relaxed)
            #expect(try await wasCutOff)
        }
    }

    @Test func `who goes on in the next turn goes on after those whom it woke`() async throws {
        let rounds = try await LoopScope().run { loop in
            final class Flag: Sendable { let isSet = Atomic(false) }
            let flag = Flag()
            let path = NSTemporaryDirectory() + "turn-\(UInt32.random(in: 0 ... .max)).sock"
            let listening = try ListeningSocket(.unix(path: path))
            let acceptor = try listening.acceptor(on: loop)
            let client = try await StreamSocket.connect(to: listening.address, on: loop)
            let server = try await acceptor.accept()
            let reader = Task(executorPreference: loop) {
                try await server.readable(deadline: .max)
                flag.isSet.store(true, ordering: .relaxed)
            }
            try await loop.sleep(nanoseconds: 1_000_000)
            try await client.write([1], deadline: .max)
            var rounds = 0
            while !flag.isSet.load(ordering: .relaxed), rounds < 1_000 {
                await loop.nextTurn()
                rounds += 1
            }
            client.close()
            _ = await reader.result
            return rounds
        }
        #expect(rounds < 3)
    }

    @Test func `closing a socket wakes whoever waits on it`() async throws {
        try await LoopScope().run { loop in
            let listening = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
            let acceptor = try listening.acceptor(on: loop)
            let client = try await StreamSocket.connect(to: listening.address, on: loop)
            let reader = Task(executorPreference: loop) { try await readAll(client) }
            try await loop.sleep(nanoseconds: 5_000_000)
            client.close()
            await #expect(throws: SocketError.closed) { try await reader.value }
            acceptor.close()
            await #expect(throws: SocketError.closed) { try await acceptor.accept() }
        }
    }

    @Test func `a peer that leaves is noticed while nobody reads`() async throws {
        let noticed = try await LoopScope().run { loop in
            let listening = try ListeningSocket(.tcp(host: "127.0.0.1", port: 0))
            let acceptor = try listening.acceptor(on: loop)
            let client = try await StreamSocket.connect(to: listening.address, on: loop)
            let server = try await acceptor.accept()
            return await withCheckedContinuation { continuation in
                server.registration.onPeerLeft = { continuation.resume(returning: true) }
                client.close()
            }
        }
        #expect(noticed)
    }

    @Test func `a stale socket file does not block the next start`() async throws {
        let path = "\(NSTemporaryDirectory())stale-\(UInt32.random(in: 0 ... .max)).sock"
        let address = SocketAddress.unix(path: path)
        let first = try ListeningSocket(address)
        #expect(throws: SocketError.self) { try ListeningSocket(address) }
        let copy = path + ".copy"
        try FileManager.default.linkItem(atPath: path, toPath: copy)
        _ = consume first
        #expect(FileManager.default.fileExists(atPath: copy))
        _ = try ListeningSocket(.unix(path: copy))
    }

    @Test(arguments: [
        ("127.0.0.1:80", SocketAddress.tcp(host: "127.0.0.1", port: 80)),
        ("[::1]:8080", .tcp(host: "::1", port: 8080)),
        (":9464", .tcp(host: "", port: 9464)),
        ("unix:/run/lucarne.sock", .unix(path: "/run/lucarne.sock")),
    ])
    func `an address reads as it is written`(text: String, address: SocketAddress) throws {
        #expect(try SocketAddress(parsing: text) == address)
    }

    @Test(arguments: ["", "8080", "host:", "host:70000", "unix:"])
    func `what is no address is refused by name`(text: String) {
        #expect(throws: SocketError.addressInvalid(text)) { try SocketAddress(parsing: text) }
    }
}

struct BlockingPoolTests {
    @Test func `work beyond the width waits and beyond the limit is refused`() async throws {
        let pool = BlockingPool(name: "test", width: 1, waitingMax: 1)
        let gate = DispatchSemaphore(value: 0)
        let first = Task { try await pool.run { gate.wait() } }
        let results = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<3 {
                group.addTask { (try? await pool.run { true }) ?? false }
            }
            try? await Task.sleep(for: .milliseconds(100))
            gate.signal()
            return await group.reduce(into: []) { $0.append($1) }
        }
        try await first.value
        #expect(results.contains(true))
        #expect(results.contains(false))
    }

    @Test func `whoever is cancelled waits no longer, and what was not begun never is`()
        async throws
    {
        let pool = BlockingPool(name: "test", width: 1, waitingMax: 1)
        let (gate, isRunning) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let begun = Atomic<Int>(0)
        let work: @Sendable () -> Void = {
            begun.wrappingAdd(1, ordering: .relaxed)
            isRunning.signal()
            gate.wait()
        }
        let running = Task { try await pool.run(work) }
        await Task.detached { isRunning.wait() }.value
        let waiting = Task { try await pool.run(work) }
        while pool.waitingCount == 0 { await Task.yield() }
        for task in [running, waiting] {
            task.cancel()
            await #expect(throws: BlockingPool.Failure.cancelled) { try await task.value }
        }
        let late = Task { try await pool.run(work) }
        late.cancel()
        _ = await late.result
        gate.signal()
        // The thread is there for others again.
        while pool.waitingCount > 0 { await Task.yield() }
        #expect(try await pool.run { true })
        #expect(begun.load(ordering: .relaxed) == 1)
    }
}

private func readAll(
    _ socket: StreamSocket,
    deadline: UInt64 = .max
) async throws(SocketError) -> [UInt8] {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 1)
    defer { unsafe buffer.deallocate() }
    var all: [UInt8] = []
    while true {
        let count = try await unsafe socket.read(into: buffer, deadline: deadline)
        guard count > 0 else { return all }
        unsafe all.append(contentsOf: buffer.prefix(count))
    }
}
