// SPDX-License-Identifier: Apache-2.0

/// A series that only grows. Seconds are counted in nanoseconds.
package struct Counter: Sendable {
    let cell: CellPointer

    @inline(__always)
    package func add(_ amount: UInt64 = 1) { cell.add(amount, slot: Shard.current) }

    /// For those who count several things at once and have looked up their slot.
    @inline(__always)
    func add(_ amount: UInt64, slot: Int) { cell.add(amount, slot: slot) }

    /// For totals that somebody else keeps. Never together with `add`.
    func set(_ total: UInt64) { cell.store(total) }

    package var value: UInt64 { cell.sum() }
}

/// A series that goes up and down, or is set from one place. Never both.
package struct Gauge: Sendable {
    let cell: CellPointer

    @inline(__always)
    package func add(_ amount: Int) {
        cell.add(UInt64(bitPattern: Int64(amount)), slot: Shard.current)
    }

    package func set(_ value: Int) { cell.store(UInt64(bitPattern: Int64(value))) }

    package var value: Int { Int(Int64(bitPattern: cell.sum())) }
}

/// A series of buckets and a sum: two cells are touched for an observation. The count is what
/// the buckets add up to, so it is never out of step with them.
@safe package struct Histogram: Sendable {
    let cell: CellPointer
    let layout: BucketLayout
    let exemplars: ExemplarSlots?

    /// Nanoseconds for a family in seconds, else the value itself.
    @inline(__always)
    package func observe(_ value: UInt64) { observe(value, slot: Shard.current) }

    @inline(__always)
    func observe(_ value: UInt64, slot: Int) {
        cell.add(1, at: 1 &+ layout.position(of: value), slot: slot)
        cell.add(value, slot: slot)
    }

    package var sum: UInt64 { cell.sum() }
    package var count: UInt64 {
        var total: UInt64 = 0
        for position in 0...layout.bounds.count { total &+= bucket(position) }
        return total
    }

    /// Not cumulative; the last is what lies beyond all bounds.
    func bucket(_ position: Int) -> UInt64 { cell.sum(at: 1 + position) }
}

/// The bounds of a family's buckets, in its integer unit.
@safe package final class BucketLayout: Sendable {
    let bounds: [UInt64]
    /// The bounds once more, for a search that checks nothing. Lives as long as the process.
    nonisolated(unsafe) private let search: UnsafePointer<UInt64>

    init(bounds: [UInt64]) {
        precondition(bounds == bounds.sorted() && !bounds.isEmpty)
        self.bounds = bounds
        let copy = UnsafeMutablePointer<UInt64>.allocate(capacity: bounds.count)
        unsafe copy.initialize(from: bounds, count: bounds.count)
        unsafe search = UnsafePointer(copy)
    }

    deinit { unsafe search.deallocate() }

    /// The first bucket whose bound the value does not exceed (`le` is inclusive).
    @inline(__always)
    func position(of value: UInt64) -> Int {
        var low = 0
        var remaining = bounds.count
        while remaining > 0 {
            let half = remaining &>> 1
            let isBeyond = unsafe search[low &+ half] < value
            low = isBeyond ? low &+ half &+ 1 : low
            remaining = isBeyond ? remaining &- half &- 1 : half
        }
        return low
    }
}
