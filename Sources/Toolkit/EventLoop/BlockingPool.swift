// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Synchronization

/// Work that blocks (a database's handshake, a password hash, disk), off the loops: bounded in
/// width and in waiting. Full means refused, so that a flood never becomes a backlog.
package final class BlockingPool: Sendable {
    /// Why work has no result.
    package enum Failure: Error { case full, cancelled }

    package let name: StaticString
    private let width: Int
    private let waitingMax: Int
    private let waited: @Sendable (_ nanoseconds: UInt64) -> Void
    private let queue: DispatchQueue
    private let state = Mutex(State())

    private struct State {
        var running = 0
        var waiting: [@Sendable () -> Void] = []
    }

    /// `waited` is told how long each piece of work was there before a thread took it.
    package init(
        name: StaticString,
        width: Int,
        waitingMax: Int,
        waited: @escaping @Sendable (_ nanoseconds: UInt64) -> Void = { _ in }
    ) {
        self.name = name
        self.width = width
        self.waitingMax = waitingMax
        self.waited = waited
        queue = DispatchQueue(label: "\(name)", attributes: .concurrent)
    }

    package var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` on a thread that may block, and comes back to the caller's executor. What blocks
    /// cannot be ended: a task that is cancelled waits no longer, and what comes of it is dropped.
    package func run<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async throws(Failure) -> Value {
        let handover = Handover<Value>()
        let result = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { continuation in
                guard unsafe handover.isAwaited(by: continuation) else { return }
                let submitted = uptime()
                let isTaken = submit { [waited] in
                    waited(uptime() &- submitted)
                    if !handover.isOver { handover.end(.success(body())) }
                }
                if !isTaken { handover.end(.failure(.full)) }
            }
        } onCancel: {
            handover.end(.failure(.cancelled))
        }
        return try result.get()
    }

    private func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        enum Action { case start, wait, refuse }
        let action: Action = state.withLock {
            if $0.running < width {
                $0.running += 1
                return .start
            }
            guard $0.waiting.count < waitingMax else { return .refuse }
            $0.waiting.append(work)
            return .wait
        }
        if action == .start { start(work) }
        return action != .refuse
    }

    private func start(_ work: @escaping @Sendable () -> Void) {
        queue.async {
            work()
            self.finished()
        }
    }

    private func finished() {
        let next: (@Sendable () -> Void)? = state.withLock {
            guard $0.waiting.isEmpty else { return $0.waiting.removeFirst() }
            $0.running -= 1
            return nil
        }
        if let next { start(next) }
    }
}

/// Where work and whoever waits for it meet, or do not: the first end counts.
private final class Handover<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, BlockingPool.Failure>

    @safe private enum State {
        case begun
        case awaited(UnsafeContinuation<Outcome, Never>)
        case over
    }

    private let state = Mutex(State.begun)

    var isOver: Bool {
        state.withLock { if case .over = $0 { true } else { false } }
    }

    /// False when it was cancelled before: the continuation has been resumed.
    func isAwaited(by continuation: UnsafeContinuation<Outcome, Never>) -> Bool {
        let isBegun = state.withLock { state in
            guard case .begun = state else { return false }
            unsafe state = .awaited(continuation)
            return true
        }
        if !isBegun { unsafe continuation.resume(returning: .failure(.cancelled)) }
        return isBegun
    }

    func end(_ outcome: Outcome) {
        let before = state.withLock { state in
            defer { state = .over }
            return state
        }
        if case .awaited(let continuation) = before {
            unsafe continuation.resume(returning: outcome)
        }
    }
}
