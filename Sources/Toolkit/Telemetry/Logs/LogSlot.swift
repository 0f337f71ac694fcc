// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Why a record did not reach its sink.
package enum LogDropReason: String, EventLabel {
    case queueFull = "queue_full"
    case sinkError = "sink_error"
    case closed
}

/// One thread's part of a sink's queue. The lock is contended only while the writer swaps the
/// buffer for an empty one.
final class LogSlot: Sendable {
    struct State {
        var bytes = LogBytes()
        /// Records in `bytes`.
        var queued = 0
        var produced: UInt64 = 0
        var queueFull: UInt64 = 0
        var closed: UInt64 = 0
        var redactions = InlineArray<4, UInt64>(repeating: 0)
    }

    // `@unchecked` in effect: `LogBytes` is a pointer, and only whoever holds the lock has it.
    let state = Mutex(Guarded())

    struct Guarded: @unchecked Sendable {
        var state = State()
    }

    deinit { state.withLock { $0.state.bytes.free() } }
}
