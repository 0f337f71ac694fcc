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

    private struct State {
        var traces: [RequestTrace] = []
        /// Those of them that are over and not accounted for.
        var ended: [RequestTrace] = []

        mutating func remove(_ trace: RequestTrace) {
            let position = unsafe trace.flightPosition
            guard position >= 0, position < traces.count else { return }
            unsafe trace.flightPosition = -1
            let last = traces.removeLast()
            guard position < traces.count else { return }
            traces[position] = last
            unsafe last.flightPosition = position
        }
    }

    private final class Slot: Sendable {
        let state = Mutex(State())
    }

    /// So many are accounted for at once: enough for warm caches, and little to lose when the
    /// process is killed.
    private static let endedMax = 16

    private let slots = (0..<Shard.slotsMax).map { _ in Slot() }

    func insert(_ trace: RequestTrace) {
        let slot = Shard.current
        trace.flightSlot = slot
        slots[slot].state.withLock { state in
            unsafe trace.flightPosition = state.traces.count
            state.traces.append(trace)
        }
    }

    /// Whether there are enough by now to account for them.
    func end(_ trace: RequestTrace, slot: Int) -> Bool {
        slots[slot].state.withLock { state in
            if state.ended.isEmpty { state.ended.reserveCapacity(Self.endedMax) }
            state.ended.append(trace)
            return state.ended.count >= Self.endedMax
        }
    }

    func takeEnded(slot: Int) -> [RequestTrace] {
        let ended = slots[slot].state.withLock { state in
            let ended = state.ended
            state.ended = []
            for trace in ended where trace.flightSlot == slot { state.remove(trace) }
            return ended
        }
        for trace in ended where trace.flightSlot != slot {
            slots[trace.flightSlot].state.withLock { $0.remove(trace) }
        }
        return ended
    }

    /// Oldest first.
    package var entries: [Entry] {
        let now = uptimeNanoseconds()
        var entries: [Entry] = []
        for slot in slots {
            for trace in slot.state.withLock(\.traces) where !trace.isOver {
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
