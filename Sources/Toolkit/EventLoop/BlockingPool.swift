// SPDX-License-Identifier: Apache-2.0
import Dispatch
import Synchronization

/// Work that blocks (a database's handshake, a password hash, disk), off the loops: bounded in
/// width and in waiting. Full means refused, so that a flood never becomes a backlog.
package final class BlockingPool: Sendable {
    package struct Full: Error {}

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

    /// Runs `body` on a thread that may block, and comes back to the caller's executor.
    package func run<Value: Sendable>(
        _ body: @escaping @Sendable () -> Value
    ) async throws(Full) -> Value {
        let value: Value? = unsafe await withUnsafeContinuation { continuation in
            let submitted = uptime()
            let work: @Sendable () -> Void = { [waited] in
                waited(uptime() &- submitted)
                unsafe continuation.resume(returning: body())
            }
            if !submit(work) { unsafe continuation.resume(returning: nil) }
        }
        guard let value else { throw Full() }
        return value
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
