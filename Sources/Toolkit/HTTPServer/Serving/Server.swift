// SPDX-License-Identifier: Apache-2.0
package import EventLoop
import Synchronization
package import Telemetry

/// An HTTP/1.1 server on the loops of a group: a task a connection, on the connection's loop.
package final class Server: Sendable {
    let pipeline: Pipeline
    let limits: ServerLimits
    let telemetry: Telemetry
    let listener: Listener
    private let draining = Atomic<Bool>(false)
    private let served = Atomic<Int>(0)
    /// Those that are told that there is no room.
    private let refused = Atomic<Int>(0)
    private let heldBytes = Atomic<Int>(0)
    private let loops = Mutex<[ServerLoop]>([])

    /// At once, on each loop; whoever comes on top of that is dropped without a word.
    private static let refusalsInFlightMax = 64

    package init(
        _ pipeline: Pipeline,
        limits: ServerLimits = ServerLimits(),
        telemetry: Telemetry,
        listener: Listener = .public
    ) {
        self.pipeline = pipeline
        self.limits = limits
        self.telemetry = telemetry
        self.listener = listener
    }

    /// Whose figures a request counts among that no route takes.
    var unmatchedRoute: RouteTelemetry {
        listener == .admin ? telemetry.unmatchedOperation : telemetry.unmatchedRoute
    }

    package var connectionCount: Int {
        served.load(ordering: .relaxed) + refused.load(ordering: .relaxed)
    }

    /// Listens, and serves until it has been drained. `whenListening` learns the addresses, with
    /// the ports that the kernel chose.
    package func serve(
        on addresses: [SocketAddress],
        group: EventLoopGroup,
        whenListening: @Sendable ([SocketAddress]) -> Void = { _ in }
    ) async throws {
        let (loops, bound) = try listen(on: addresses, group)
        self.loops.withLock { $0 = loops }
        telemetry.watch(listener) { [weak self] in
            self?.heldBytes.load(ordering: .relaxed) ?? 0
        }
        whenListening(bound)
        try await withTaskCancellationHandler {
            try await acceptOnAll(loops, addresses.count)
        } onCancel: {
            closeAll()
        }
    }

    /// A listening socket for each loop and address, and the addresses. Each loop owns its own:
    /// they go when it stops accepting.
    private func listen(
        on addresses: [SocketAddress],
        _ group: EventLoopGroup
    ) throws(SocketError) -> ([ServerLoop], [SocketAddress]) {
        var first: [ListeningSocket] = []
        for address in addresses { first.append(try ListeningSocket(address)) }
        var loops: [ServerLoop] = []
        for (index, loop) in group.loops.enumerated() {
            var own: [ListeningSocket] = []
            for socket in first { own.append(index == 0 ? socket : try socket.sibling()) }
            loops.append(ServerLoop(loop: loop, listening: own))
            loop.atTurnEnds { [telemetry] in telemetry.account() }
        }
        return (loops, first.map(\.address))
    }

    private func acceptOnAll(_ loops: [ServerLoop], _ addressCount: Int) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            for state in loops {
                for _ in 0..<addressCount {
                    group.addTask(executorPreference: state.loop) {
                        try await self.acceptAll(state)
                    }
                }
            }
        }
    }

    private func acceptAll(_ state: ServerLoop) async throws {
        try await withThrowingDiscardingTaskGroup { group in
            try await accept(state, into: &group)
        }
    }

    /// The listening socket goes when this returns, before its connections do: the kernel turns
    /// newcomers away.
    private func accept(
        _ state: ServerLoop,
        into group: inout ThrowingDiscardingTaskGroup<any Error>
    ) async throws {
        guard let acceptor = try state.nextAcceptor() else { return }
        var count = 0
        while let socket = await next(from: acceptor, state) {
            admit(socket, state, to: &group)
            count += 1
            // However many come, those who are there are served meanwhile.
            if count.isMultiple(of: 32) { await state.loop.nextTurn() }
        }
    }

    private func next(from acceptor: Acceptor, _ state: ServerLoop) async -> StreamSocket? {
        while true {
            do throws(SocketError) {
                return try await acceptor.accept()
            } catch {
                guard error != .closed else { return nil }
                // Out of descriptors, most likely: whoever is served has to leave first.
                do { try await state.loop.sleep(nanoseconds: 50_000_000) } catch { return nil }
            }
        }
    }

    private func admit(
        _ socket: StreamSocket,
        _ state: ServerLoop,
        to group: inout ThrowingDiscardingTaskGroup<any Error>
    ) {
        if served.wrappingAdd(1, ordering: .relaxed).newValue <= limits.connectionsMax {
            group.addTask(executorPreference: state.loop) {
                await Connection(socket, server: self, state: state).run()
                self.served.wrappingSubtract(1, ordering: .relaxed)
            }
            return
        }
        served.wrappingSubtract(1, ordering: .relaxed)
        guard state.refusalsInFlight < Self.refusalsInFlightMax else {
            socket.close()
            return turnedAway()
        }
        state.refusalsInFlight += 1
        refused.wrappingAdd(1, ordering: .relaxed)
        group.addTask(executorPreference: state.loop) {
            await Connection(socket, server: self, state: state).refuse()
            state.refusalsInFlight -= 1
            self.refused.wrappingSubtract(1, ordering: .relaxed)
        }
    }

    /// A connection came in vain, with a word or without.
    func turnedAway() {
        telemetry.report(.accepted, on: listener)
        telemetry.report(.closed(.limit, wasIdle: false), on: listener)
    }

    /// Whether there is room for so many bytes more: there is for one body, however long. They count
    /// either way, until they are released.
    func hold(_ bytes: Int) -> Bool {
        let all = heldBytes.wrappingAdd(bytes, ordering: .relaxed).newValue
        return all <= limits.heldBytesMax || all == bytes
    }

    func release(_ bytes: Int) { heldBytes.wrappingSubtract(bytes, ordering: .relaxed) }

    /// From now on each answer is the last one of its connection: the next request may find another
    /// process.
    package func announceDrain() {
        for state in loops.withLock({ $0 }) { state.loop.perform { state.isLeaving = true } }
    }

    /// Stops accepting, closes what is idle, and lets each request in flight be the last one of
    /// its connection. `serve` returns when none is left.
    package func beginDrain() {
        guard !draining.exchange(true, ordering: .relaxed) else { return }
        for state in loops.withLock({ $0 }) { state.loop.perform { state.beginDrain() } }
    }

    /// Waits until the drain is over, and cuts off what takes longer.
    package func finishDrain(within patience: Duration) async {
        beginDrain()
        let deadline = uptimeNanoseconds() + patience.nanoseconds
        while connectionCount > 0, uptimeNanoseconds() < deadline {
            try? await Task.sleep(for: .milliseconds(10))
        }
        closeAll()
    }

    private func closeAll() {
        draining.store(true, ordering: .relaxed)
        for state in loops.withLock({ $0 }) {
            state.loop.perform {
                state.beginDrain()
                state.closeAll()
            }
        }
    }
}
