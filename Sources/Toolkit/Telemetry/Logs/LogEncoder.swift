// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// One thread's place to encode records in: once for each format, however many sinks take it.
final class LogEncoder: Sendable {
    private struct State {
        var bytes = LogBytes()
        var clock = LogClock()
    }

    // `@unchecked` in effect: `LogBytes` is a pointer, and only whoever holds the lock has it.
    private struct Guarded: @unchecked Sendable {
        var state = State()
    }

    private let state = Mutex(Guarded())

    deinit { state.withLock { $0.state.bytes.free() } }

    /// Calls `take` with the record, complete with its newline.
    func encode(
        _ head: LogHead,
        _ format: LogFormat,
        service: [UInt8],
        _ fields: (inout LogRecord) -> Void,
        take: (LogBytes, [Redaction.Rule]) -> Void
    ) {
        state.withLock { guarded in
            guarded.state.bytes.clear()
            var record = LogRecord(in: guarded.state.bytes, format: format)
            record.begin(head, clock: &guarded.state.clock, service: service)
            fields(&record)
            record.close()
            guarded.state.bytes = record.bytes
            take(record.bytes, record.redactions)
        }
    }
}
