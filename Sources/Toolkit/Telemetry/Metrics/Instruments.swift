// SPDX-License-Identifier: Apache-2.0

/// A series that only grows. Seconds are counted in nanoseconds.
package struct Counter: Sendable {
    let cell: CellPointer

    @inline(__always)
    package func add() { cell.add(1, slot: Shard.current) }

    @inline(__always)
    package func add(_ amount: UInt64) { cell.add(amount, slot: Shard.current) }

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

    @inline(__always)
    func add(_ amount: Int, slot: Int) {
        cell.add(UInt64(bitPattern: Int64(amount)), slot: slot)
    }

    package func set(_ value: Int) { cell.store(UInt64(bitPattern: Int64(value))) }

    package var value: Int { Int(Int64(bitPattern: cell.sum())) }
}

/// A series of buckets and a sum: two cells are touched for an observation, whichever kinds of
/// buckets it is shown with. The count is what the cells add up to, so it is never out of step.
@safe package struct Histogram: Sendable {
    let cell: CellPointer
    private let index: BucketIndex
    // Never given back either: copying a histogram counts no references.
    private unowned(unsafe) let sharedLayout: BucketLayout
    private unowned(unsafe) let sharedExemplars: ExemplarSlots?

    init(_ cell: CellPointer, _ layout: BucketLayout, _ exemplars: ExemplarSlots?) {
        self.cell = cell
        index = layout.index
        _ = unsafe Unmanaged.passRetained(layout)
        _ = unsafe exemplars.map { unsafe Unmanaged.passRetained($0) }
        unsafe sharedLayout = layout
        unsafe sharedExemplars = exemplars
    }

    var layout: BucketLayout { unsafe sharedLayout }
    var exemplars: ExemplarSlots? { unsafe sharedExemplars }

    /// Nanoseconds for a family in seconds, else the value itself.
    @inline(__always)
    package func observe(_ value: UInt64) { observe(value, slot: Shard.current) }

    @inline(__always)
    func observe(_ value: UInt64, slot: Int) {
        cell.add(1, at: 1 &+ index.cell(of: value), slot: slot)
        cell.add(value, slot: slot)
    }

    package var sum: UInt64 { cell.sum() }
    package var count: UInt64 { HistogramReading(cell, layout).count }
}
