// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// One appointment on a loop. Fires at most once.
///
/// `@unchecked Sendable`: all but `isCancelled` is touched on the loop's thread only.
@safe package final class Timer: @unchecked Sendable {
    let due: UInt64
    let isCancelled = Atomic<Bool>(false)
    var continuation: UnsafeContinuation<Void, Never>?
    var body: (() -> Void)?

    init(due: UInt64) { self.due = due }

    func fire() {
        unsafe continuation?.resume()
        unsafe continuation = nil
        let body = body
        self.body = nil
        body?()
    }

    /// Forgets the appointment; on the loop's thread.
    package func cancel() { body = nil }
}

/// Timers by due time: a binary heap. Cancelled ones leave when their time comes.
struct TimerHeap {
    private var timers: [Timer] = []

    var earliest: UInt64 { timers.first?.due ?? .max }

    mutating func insert(_ timer: Timer) {
        timers.append(timer)
        var child = timers.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard timers[child].due < timers[parent].due else { return }
            timers.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popDue(now: UInt64) -> Timer? {
        guard let first = timers.first, first.due <= now else { return nil }
        let last = timers.removeLast()
        guard !timers.isEmpty else { return first }
        timers[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < timers.count && timers[child].due < timers[least].due {
                least = child
            }
            guard least != parent else { return first }
            timers.swapAt(least, parent)
            parent = least
        }
    }
}
