// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The requests being answered, loop by loop.
@safe package final class RequestsInFlight: Sendable {
    /// What may be told of a request while another thread runs it.
    package struct Entry: Sendable {
        package var context: TraceContext
        package var requestID: String
        package var method: RequestMethod
        package var route: String?
        package var layer: Layer
        package var ageNanoseconds: UInt64
    }

    /// References are counted when a request comes and when it has been accounted for, not each time
    /// that it changes places.
    @safe private struct State {
        var underWay: [Unmanaged<RequestTrace>] = unsafe []
        /// Each knows the next, so that none needs memory for it.
        var firstEnded: Unmanaged<RequestTrace>?
        var lastEnded: Unmanaged<RequestTrace>?
        var endedCount = 0

        mutating func insert(_ trace: RequestTrace) {
            unsafe trace.flightPosition = unsafe underWay.count
            unsafe underWay.append(.passRetained(trace))
        }

        mutating func end(_ trace: RequestTrace) {
            if unsafe trace.flightPosition < 0 { insert(trace) }
            let position = unsafe trace.flightPosition
            let last = unsafe underWay.removeLast()
            if unsafe position < underWay.count {
                unsafe underWay[position] = unsafe last
                unsafe last._withUnsafeGuaranteedRef { unsafe $0.flightPosition = position }
            }
            let ended = unsafe Unmanaged.passUnretained(trace)
            if let lastEnded = unsafe lastEnded {
                unsafe lastEnded._withUnsafeGuaranteedRef { unsafe $0.nextEnded = ended }
            } else {
                unsafe firstEnded = unsafe ended
            }
            unsafe lastEnded = unsafe ended
            endedCount &+= 1
        }

        mutating func takeEnded() -> EndedRequests {
            let ended = unsafe EndedRequests(first: firstEnded)
            unsafe (firstEnded, lastEnded, endedCount) = (nil, nil, 0)
            return ended
        }
    }

    private struct Slot: ~Copyable {
        let state = Mutex(State())
        private let apart = Shard.Apart()

        deinit {
            state.withLock { state in
                unsafe state.underWay.forEach { unsafe $0.release() }
                _ = state.takeEnded()
            }
        }
    }

    /// So many are accounted for at once: enough for warm caches, and little to lose when the
    /// process is killed.
    private static let endedMax = 16

    // Never written after it is made; each is behind a lock.
    nonisolated(unsafe) private let slots: UnsafeMutablePointer<Slot>

    init() {
        unsafe slots = .allocate(capacity: Shard.slotsMax)
        for index in 0..<Shard.slotsMax { unsafe (slots + index).initialize(to: Slot()) }
    }

    deinit {
        unsafe slots.deinitialize(count: Shard.slotsMax)
        unsafe slots.deallocate()
    }

    func insert(_ trace: RequestTrace) {
        trace.flightSlot = Shard.current
        unsafe slots[trace.flightSlot].state.withLock { $0.insert(trace) }
    }

    /// Whether it is time to account for those that have ended.
    func end(_ trace: RequestTrace) -> Bool {
        unsafe slots[trace.flightSlot].state.withLock { state in
            state.end(trace)
            return state.endedCount >= Self.endedMax || trace.flightSlot == Shard.foreign
        }
    }

    func takeEnded(slot: Int) -> EndedRequests {
        unsafe slots[slot].state.withLock { $0.takeEnded() }
    }

    /// Oldest first.
    package var entries: [Entry] {
        let now = uptimeNanoseconds()
        var entries: [Entry] = []
        for slot in 0..<Shard.slotsUsed {
            let traces = unsafe slots[slot].state.withLock { state in
                unsafe state.underWay.map { unsafe $0.takeUnretainedValue() }
            }
            for trace in traces {
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

/// Requests that are over and that nobody has accounted for, with the one reference that is held
/// to each.
@safe struct EndedRequests: ~Copyable {
    private let first: Unmanaged<RequestTrace>?

    fileprivate init(first: Unmanaged<RequestTrace>?) { unsafe self.first = unsafe first }

    deinit {
        var next = unsafe first
        while let trace = unsafe next {
            unsafe next = trace._withUnsafeGuaranteedRef { unsafe $0.nextEnded }
            unsafe trace.release()
        }
    }

    var isEmpty: Bool { unsafe first == nil }

    @inline(__always)
    func forEach(_ body: (RequestTrace) -> Void) {
        var next = unsafe first
        while let trace = unsafe next {
            unsafe next = trace._withUnsafeGuaranteedRef { trace in
                body(trace)
                return unsafe trace.nextEnded
            }
        }
    }
}
