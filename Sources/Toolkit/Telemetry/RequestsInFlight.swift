// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The requests being answered, loop by loop.
package final class RequestsInFlight: Sendable {
    /// What may be told of a request while another thread runs it.
    package struct Entry: Sendable {
        package var context: TraceContext
        package var requestID: String
        package var method: RequestMethod
        package var route: String?
        package var layer: Layer
        package var ageNanoseconds: UInt64
    }

    private final class Slot: Sendable {
        let traces = Mutex<[RequestTrace]>([])
    }

    private let slots = (0..<Shard.slotsMax).map { _ in Slot() }

    func insert(_ trace: RequestTrace) {
        let slot = Shard.current
        trace.flightSlot = slot
        slots[slot].traces.withLock { traces in
            unsafe trace.flightPosition = traces.count
            traces.append(trace)
        }
    }

    func remove(_ trace: RequestTrace) {
        slots[trace.flightSlot].traces.withLock { traces in
            let position = unsafe trace.flightPosition
            guard position >= 0, position < traces.count else { return }
            unsafe trace.flightPosition = -1
            let last = traces.removeLast()
            guard position < traces.count else { return }
            traces[position] = last
            unsafe last.flightPosition = position
        }
    }

    /// Oldest first.
    package var entries: [Entry] {
        let now = uptimeNanoseconds()
        var entries: [Entry] = []
        for slot in slots {
            for trace in slot.traces.withLock({ $0 }) {
                entries.append(
                    Entry(
                        context: trace.context,
                        requestID: trace.requestID,
                        method: trace.method,
                        route: trace.route?.template,
                        layer: trace.layer,
                        ageNanoseconds: now &- trace.startedAt
                    )
                )
            }
        }
        return entries.sorted { $0.ageNanoseconds > $1.ageNanoseconds }
    }
}
