// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The latest records, in memory, and those who want to see them as they come.
package final class LogRing: Sendable {
    package let recordsMax: Int
    private let state = Mutex(State())

    private struct State {
        /// As they came, oldest first; the first may hold some more than are to be kept.
        var batches: [LogBatch] = []
        var count = 0
    }

    private let followers = LogFollowers()

    package init(recordsMax: Int) { self.recordsMax = max(1, recordsMax) }

    deinit { followers.end() }

    /// Oldest first. Records become entries when somebody looks, not before.
    package var snapshot: [LogEntry] {
        Array(state.withLock(\.batches).flatMap(\.lines.entries).suffix(recordsMax))
    }

    package var subscriberCount: Int { followers.count }

    /// Everything from now on that matches. The subscription holds at most `capacity` records for
    /// its reader; it lasts until it is cancelled. Nil where `max` others follow already.
    package func subscribe(
        capacity: Int,
        max: Int = .max,
        matching isWanted: @escaping @Sendable (LogEntry) -> Bool = { _ in true }
    ) -> LogSubscription? {
        let subscription = LogSubscription(capacity: capacity, isWanted) { [weak followers] in
            followers?.remove($0)
        }
        return followers.add(subscription, max: max) ? subscription : nil
    }

    /// Puts before what a new subscription has so far what its reader has missed since it saw the
    /// record of this number: what came later and is still here. Says how many are not.
    package func resume(_ subscription: LogSubscription, after last: UInt64) -> UInt64 {
        let entries = snapshot
        // In the order in which they came, numbers do not always grow.
        if let seen = entries.lastIndex(where: { $0.sequence == last }) {
            subscription.precede(entries[(seen + 1)...])
            return 0
        }
        let missed = entries.filter { $0.sequence > last }
        subscription.precede(missed[...])
        return missed.map(\.sequence).min().map { $0 - last - 1 } ?? 0
    }

    func append(_ batch: LogBatch) {
        state.withLock { state in
            state.batches.append(batch.compact)
            state.count += batch.lines.count
            var past = 0
            while state.count - state.batches[past].lines.count >= recordsMax {
                state.count -= state.batches[past].lines.count
                past += 1
            }
            state.batches.removeFirst(past)
        }
        followers.offer(batch.lines)
    }
}

/// One reader of the records as they come. A reader too slow for them loses the newest, and is
/// told how many.
package final class LogSubscription: Sendable {
    /// What came since the last one.
    package struct Batch: Sendable {
        package var entries: [LogEntry] = []
        /// Records that matched and found no room.
        package var dropped: UInt64 = 0
    }

    fileprivate struct State {
        var batch = Batch()
        var droppedInAll: UInt64 = 0
        var isCancelled = false
        /// What it got from the ring, and may be offered as well.
        var preceding: Set<UInt64> = []
        var reader: CheckedContinuation<Void, Never>?
    }

    private let capacity: Int
    private let isWanted: @Sendable (LogEntry) -> Bool
    private let leave: @Sendable (LogSubscription) -> Void
    private let state = Mutex(State())

    init(
        capacity: Int,
        _ isWanted: @escaping @Sendable (LogEntry) -> Bool,
        leave: @escaping @Sendable (LogSubscription) -> Void
    ) {
        self.capacity = max(1, capacity)
        self.isWanted = isWanted
        self.leave = leave
    }

    /// Records lost so far because the reader was slow.
    package var dropped: UInt64 { state.withLock { $0.droppedInAll } }

    func offer(_ entries: [LogEntry]) {
        let wanted = entries.filter(isWanted)
        guard !wanted.isEmpty else { return }
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isCancelled else { return nil }
            let wanted = wanted.filter { !state.preceding.contains($0.sequence) }
            let room = max(0, capacity - state.batch.entries.count)
            state.batch.entries.append(contentsOf: wanted.prefix(room))
            let lost = UInt64(max(0, wanted.count - room))
            state.batch.dropped += lost
            state.droppedInAll += lost
            return state.takeReader()
        }
        reader?.resume()
    }

    fileprivate func precede(_ entries: ArraySlice<LogEntry>) {
        let wanted = entries.filter(isWanted)
        let preceding = Set(wanted.map(\.sequence))
        state.withLock { state in
            state.preceding = preceding
            let since = state.batch.entries.filter { !preceding.contains($0.sequence) }
            state.batch.entries = wanted + since
        }
    }

    /// So many went by unseen, whether they matched or not.
    func lose(_ count: UInt64) {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.batch.dropped += count
            state.droppedInAll += count
            return state.takeReader()
        }
        reader?.resume()
    }

    /// What has come since the last call, without waiting.
    package func take() -> Batch {
        state.withLock { state in
            defer { state.batch = Batch() }
            return state.batch
        }
    }

    /// Waits until there is something; nil once the subscription or the task is cancelled. One
    /// reader at a time.
    package func next() async -> Batch? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    let isEmpty = state.batch.entries.isEmpty && state.batch.dropped == 0
                    guard isEmpty, !state.isCancelled, state.reader == nil else { return true }
                    state.reader = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            cancel()
        }
        let batch = take()
        return batch.entries.isEmpty && batch.dropped == 0 ? nil : batch
    }

    /// Ends the subscription; a waiting reader is woken.
    package func cancel() {
        let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.isCancelled = true
            return state.takeReader()
        }
        reader?.resume()
        leave(self)
    }
}

extension LogSubscription.State {
    fileprivate mutating func takeReader() -> CheckedContinuation<Void, Never>? {
        defer { reader = nil }
        return reader
    }
}
