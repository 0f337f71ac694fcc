// SPDX-License-Identifier: Apache-2.0

/// Tells work in progress that nobody waits for its outcome any more.
///
/// One piece of work at a time listens. `@unchecked Sendable`: confined to one loop's thread.
@safe package final class Cancellation: @unchecked Sendable {
    package private(set) var isCancelled = false
    private var listener: (() -> Void)?

    package init() {}

    /// Calls the listener, once.
    package func cancel() {
        guard !isCancelled else { return }
        isCancelled = true
        let listener = listener
        self.listener = nil
        listener?()
    }

    /// Replaces who listens; called at once when it is already cancelled.
    package func onCancel(_ listener: (() -> Void)?) {
        if isCancelled { listener?() } else { self.listener = listener }
    }
}
