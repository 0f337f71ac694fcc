// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Shows records to those who follow them, on a thread of its own: what somebody wants to see
/// must not keep records from where they are to be written.
final class LogFollowers: Sendable {
    private struct State {
        var subscriptions: [LogSubscription] = []
        var waiting: [LogLines] = []
        var waitingCount = 0
        /// Found no room among those that wait.
        var lost = 0
        var isRunning = false
        var isEnding = false

        /// What waits, for whom, and whether it is the last.
        mutating func take() -> State {
            defer { (waiting, waitingCount, lost) = ([], 0, 0) }
            return self
        }
    }

    private let state = Mutex(State())
    private let wakeup = WakeSignal()

    private static let waitingMax = 65_536

    var count: Int { state.withLock { $0.subscriptions.count } }

    /// False where there are so many already.
    func add(_ subscription: LogSubscription, max: Int) -> Bool {
        let isFirst = state.withLock { state -> Bool? in
            guard state.subscriptions.count < max else { return nil }
            defer { state.isRunning = true }
            state.subscriptions.append(subscription)
            return !state.isRunning
        }
        guard let isFirst else { return false }
        guard isFirst else { return true }
        let isRunning = BackgroundThread.start("log followers") { [self] in run() }
        if !isRunning { state.withLock { $0.isRunning = false } }
        return true
    }

    func remove(_ subscription: LogSubscription) {
        state.withLock { $0.subscriptions.removeAll { $0 === subscription } }
    }

    /// Takes a copy, where anybody follows.
    func offer(_ lines: LogLines) {
        let isWaiting = state.withLock { state in
            guard !state.subscriptions.isEmpty else { return false }
            if state.waitingCount + lines.count <= Self.waitingMax {
                state.waiting.append(lines.copied())
                state.waitingCount += lines.count
            } else {
                state.lost += lines.count
            }
            return true
        }
        if isWaiting { wakeup.raise() }
    }

    func end() {
        state.withLock { $0.isEnding = true }
        wakeup.raise()
    }

    private func run() {
        var isEnding = false
        while !isEnding {
            wakeup.wait()
            var taken = state.withLock { $0.take() }
            isEnding = taken.isEnding
            for index in taken.waiting.indices {
                let entries = taken.waiting[index].entries
                taken.waiting[index].free()
                for subscription in taken.subscriptions { subscription.offer(entries) }
            }
            guard taken.lost > 0 else { continue }
            for subscription in taken.subscriptions { subscription.lose(UInt64(taken.lost)) }
        }
    }
}
