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
        /// Those under way, then those that are over and not accounted for.
        var traces: [RequestTrace] = []
        var underWay = 0

        mutating func insert(_ trace: RequestTrace) {
            traces.append(trace)
            traces.swapAt(underWay, traces.count - 1)
            unsafe trace.flightPosition = underWay
            underWay += 1
        }

        mutating func end(_ trace: RequestTrace) {
            if unsafe trace.flightPosition < 0 { insert(trace) }
            underWay -= 1
            let position = unsafe trace.flightPosition
            traces.swapAt(position, underWay)
            unsafe traces[position].flightPosition = position
        }

        mutating func takeEnded() -> [RequestTrace] {
            guard underWay < traces.count else { return [] }
            let ended = Array(traces[underWay...])
            traces.removeSubrange(underWay...)
            return ended
        }
    }

    private final class Slot: Sendable {
        let state = Mutex(State())
        private let apart = Shard.Apart()
    }

    /// So many are accounted for at once: enough for warm caches, and little to lose when the
    /// process is killed.
    private static let endedMax = 16

    private let slots = (0..<Shard.slotsMax).map { _ in Slot() }

    func insert(_ trace: RequestTrace) {
        trace.flightSlot = Shard.current
        slots[trace.flightSlot].state.withLock { $0.insert(trace) }
    }

    /// Whether it is time to account for those that have ended.
    func end(_ trace: RequestTrace) -> Bool {
        slots[trace.flightSlot].state.withLock { state in
            state.end(trace)
            return state.traces.count - state.underWay >= Self.endedMax
                || trace.flightSlot == Shard.foreign
        }
    }

    func takeEnded(slot: Int) -> [RequestTrace] {
        slots[slot].state.withLock { $0.takeEnded() }
    }

    /// Oldest first.
    package var entries: [Entry] {
        let now = uptimeNanoseconds()
        var entries: [Entry] = []
        for slot in slots {
            for trace in slot.state.withLock({ $0.traces[..<$0.underWay] }) {
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
