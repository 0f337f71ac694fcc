// SPDX-License-Identifier: Apache-2.0

/// A histogram series as it was at one moment: every format is written from this.
struct HistogramReading {
    let sum: UInt64
    let count: UInt64
    /// The classic buckets, not cumulative; the last is what lies beyond all bounds.
    let buckets: [UInt64]
    /// Read before the buckets: whoever has left one is counted in its bucket by then.
    let exemplars: [Exemplar?]?
    private let cells: [UInt64]
    private let layout: BucketLayout

    init(_ series: Series, _ layout: BucketLayout) {
        self.init(series.cell, layout, series.exemplars)
    }

    init(_ cell: CellPointer, _ layout: BucketLayout, _ exemplars: ExemplarSlots? = nil) {
        self.exemplars = exemplars?.all
        (sum, cells) = cell.histogram(cellCount: layout.cellCount)
        self.layout = layout
        buckets = layout.isNative ? Self.buckets(of: cells, layout) : cells
        count = buckets.reduce(0, &+)
    }

    private static func buckets(of cells: [UInt64], _ layout: BucketLayout) -> [UInt64] {
        var buckets: [UInt64] = []
        buckets.reserveCapacity(layout.ends.count + 1)
        let cells = cells.span
        var position = 0
        for index in 0...layout.ends.count {
            let end = index < layout.ends.count ? layout.ends[index] : cells.count
            var count: UInt64 = 0
            while position < end {
                count &+= cells[position]
                position += 1
            }
            buckets.append(count)
        }
        return buckets
    }

    /// Nil where the family has classic buckets only.
    var native: NativeReading? {
        layout.isNative ? NativeReading(cells, indices: layout.nativeIndices) : nil
    }
}

/// What several series of one family observed, taken together.
struct Distribution {
    private(set) var sum: UInt64 = 0
    private(set) var count: UInt64 = 0
    private let cells: [UInt64]
    private let layout: BucketLayout?

    init(of series: [Histogram]) {
        layout = series.first?.layout
        var cells = [UInt64](repeating: 0, count: layout?.cellCount ?? 0)
        for histogram in series {
            let (sum, own) = histogram.cell.histogram(cellCount: cells.count)
            self.sum &+= sum
            for position in cells.indices { cells[position] &+= own[position] }
        }
        self.cells = cells
        count = cells.reduce(0, &+)
    }

    /// In the family's integer unit; 0 where there is nothing.
    ///
    /// It lies within the cell that holds it, which is as narrow as all bounds of the family make
    /// it: less than a tenth of its value where there are native buckets.
    func quantile(_ quantile: Double) -> Double {
        guard let layout else { return 0 }
        let rank = quantile * Double(count)
        var below = 0.0
        for (position, count) in cells.enumerated() where count > 0 {
            defer { below += Double(count) }
            guard below + Double(count) >= rank else { continue }
            let low = position > 0 ? Double(layout.index.upper(of: position - 1)) : 0
            // Beyond all bounds nothing is known but that.
            guard position < cells.count - 1 else { return low }
            let high = Double(layout.index.upper(of: position))
            return low + (high - low) * (rank - below) / Double(count)
        }
        return 0
    }
}

/// The native buckets that hold anything.
struct NativeReading: Equatable {
    /// A run of neighbouring buckets: how far from the end of the run before, and how many.
    struct Run: Equatable {
        var offset: Int
        var length: Int
    }

    private(set) var schema = NativeBuckets.schema
    let zeroCount: UInt64
    private(set) var runs: [Run] = []
    /// The buckets of all runs, in order.
    private(set) var counts: [UInt64] = []

    /// An empty bucket or two between two full ones cost less than another run.
    private static let gapMax = 2

    init(_ cells: [UInt64], indices: [Int], countMax: Int = NativeBuckets.countMax) {
        zeroCount = cells[0]
        var full: [(index: Int, count: UInt64)] = []
        // Nearly all are empty: looking at one costs a comparison.
        let (all, places) = (cells.span, indices.span)
        var position = 1
        while position < all.count {
            let count = all[position]
            if count > 0 { Self.append(places[position], count, to: &full) }
            position += 1
        }
        while full.count > countMax, schema > -4 {
            schema -= 1
            var halved: [(index: Int, count: UInt64)] = []
            for (index, count) in full { Self.append((index + 1) >> 1, count, to: &halved) }
            full = halved
        }
        var next = 0
        for (index, count) in full {
            let gap = index - next
            if gap > Self.gapMax || runs.isEmpty {
                runs.append(Run(offset: gap, length: 0))
            } else {
                counts.append(contentsOf: repeatElement(0, count: gap))
                runs[runs.count - 1].length += gap
            }
            counts.append(count)
            runs[runs.count - 1].length += 1
            next = index + 1
        }
    }

    private static func append(
        _ index: Int,
        _ count: UInt64,
        to full: inout [(index: Int, count: UInt64)]
    ) {
        if full.last?.index == index {
            full[full.count - 1].count &+= count
        } else {
            full.append((index, count))
        }
    }
}

extension CellPointer {
    /// A sum and the cells behind it, all slots together.
    fileprivate func histogram(cellCount: Int) -> (sum: UInt64, cells: [UInt64]) {
        var sum: UInt64 = 0
        var cells = [UInt64](repeating: 0, count: cellCount)
        var span = cells.mutableSpan
        for slot in 0..<Shard.slotsUsed {
            let part = load(slot: slot)
            sum &+= part
            // A slot whose sum is 0 has seen zeros at most; they are in the first cell.
            for position in 0..<(part == 0 ? 1 : cellCount) {
                span[position] &+= load(at: 1 + position, slot: slot)
            }
        }
        return (sum, cells)
    }
}
