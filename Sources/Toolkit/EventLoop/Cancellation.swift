// SPDX-License-Identifier: Apache-2.0

/// Tells whoever works for somebody that nobody waits for the outcome any more.
///
/// `@unchecked Sendable`: belongs to one loop; it fires and is listened to there.
package final class Cancellation: @unchecked Sendable {
    package private(set) var isCancelled = false
    private var callbacks: [(number: Int, body: () -> Void)] = []
    private var lastNumber = 0

    package init() {}

    /// Calls `body` on the loop when that is so, or at once when it is so already. The answer is
    /// for `forget`, once there is nothing left to stop.
    @discardableResult
    package func onCancel(_ body: @escaping () -> Void) -> Int {
        lastNumber += 1
        if isCancelled {
            body()
        } else {
            callbacks.append((lastNumber, body))
        }
        return lastNumber
    }

    package func forget(_ number: Int) {
        callbacks.removeAll { $0.number == number }
    }

    package func cancel() {
        guard !isCancelled else { return }
        isCancelled = true
        let pending = callbacks
        callbacks = []
        for callback in pending { callback.body() }
    }
}
