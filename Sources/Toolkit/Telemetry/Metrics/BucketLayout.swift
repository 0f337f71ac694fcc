// SPDX-License-Identifier: Apache-2.0
import Glibc

/// How a family's observations are spread over cells.
///
/// Where there are native buckets, each cell lies in one native and in one classic bucket: the
/// bounds of both kinds together are the bounds of the cells. An observation then counts once,
/// and the two views of it cannot disagree.
@safe package final class BucketLayout: Sendable {
    /// The classic bounds, in the family's integer unit.
    let bounds: [UInt64]
    /// For each classic bound, the number of cells below and at it.
    let ends: [Int]
    /// The native bucket of each cell; empty where the family has none. The first cell holds
    /// zeros, which are in no bucket but counted apart.
    let nativeIndices: [Int]
    let cellCount: Int
    var isNative: Bool { !nativeIndices.isEmpty }

    let index: BucketIndex

    init(bounds: [UInt64], native: Bool = false) {
        precondition(bounds == bounds.sorted() && !bounds.isEmpty)
        self.bounds = bounds
        let natives = native ? NativeBuckets.bounds : []
        let all = Set(bounds).union(native ? natives.map(\.upper) + [0] : []).sorted()
        cellCount = all.count + 1
        ends = bounds.map { bound in all.prefix { $0 <= bound }.count }
        nativeIndices = native ? NativeBuckets.indices(of: all + [.max]) : []
        index = BucketIndex(uppers: all)
    }

    /// The classic bucket of a value.
    func position(of value: UInt64) -> Int { bounds.prefix { $0 < value }.count }
}

/// Where a value's cell is found. Plain memory, never given back, as the cells are not: whoever
/// observes counts no references, which all loops would write to.
@safe struct BucketIndex: Sendable {
    // Nobody writes them once they are made.
    /// The cells' upper bounds; the last has none.
    nonisolated(unsafe) private let uppers: UnsafeMutablePointer<UInt64>
    /// The first cell that may hold a value with the same leading bits.
    nonisolated(unsafe) private let starts: UnsafeMutablePointer<UInt16>

    /// A sixteenth of an octave a start: within it lie at most this many bounds.
    private static let stepsMax = 2
    private static let startCount = 65 * 16

    init(uppers all: [UInt64]) {
        unsafe uppers = .allocate(capacity: all.count + 1)
        for position in all.indices { unsafe uppers[position] = all[position] }
        unsafe uppers[all.count] = .max
        unsafe starts = .allocate(capacity: Self.startCount)
        var start = 0
        for key in 0..<Self.startCount {
            let (low, high) = Self.values(of: key)
            while start < all.count, all[start] < low { start += 1 }
            precondition(all[start...].prefix { $0 < high }.count <= Self.stepsMax)
            unsafe starts[key] = UInt16(start)
        }
    }

    /// The cell of a value: bounds are inclusive. No loop, no branch: the exponent and the first
    /// four bits of the mantissa say where to begin.
    @inline(__always)
    func cell(of value: UInt64) -> Int {
        let zeros = value.leadingZeroBitCount
        let mantissa = Int(truncatingIfNeeded: (value &<< UInt64(zeros)) &>> 59) & 15
        let key = (64 &- zeros) &<< 4 | mantissa
        var cell = unsafe Int(starts[key])
        cell &+= unsafe uppers[cell] < value ? 1 : 0
        cell &+= unsafe uppers[cell] < value ? 1 : 0
        return cell
    }

    /// The largest value of a cell.
    func upper(of cell: Int) -> UInt64 { unsafe uppers[cell] }

    /// The smallest and the largest value with these leading bits.
    private static func values(of key: Int) -> (low: UInt64, high: UInt64) {
        let (bits, mantissa) = (key / 16, UInt64(key % 16))
        guard bits > 0 else { return (0, 0) }
        let leading = (16 | mantissa) << 59
        let low = leading >> UInt64(64 - bits)
        let high = (leading | (1 << 59 - 1)) >> UInt64(64 - bits)
        return (low, high)
    }
}

/// The exponential buckets of Prometheus' native histograms: bucket `index` ends at
/// 2^(index / 8) seconds (schema 3). Below one nanosecond and beyond a day and a half nothing is
/// told apart.
enum NativeBuckets {
    static let schema = 3
    /// Only a true zero is one: nothing shorter than a nanosecond is ever observed.
    static let zeroThreshold = 0x1p-128
    /// More than so many that hold anything, and the resolution is halved.
    static let countMax = 160

    private static let indices = -239...136

    /// The buckets that end at a nanosecond of their own, with that nanosecond.
    static let bounds: [(index: Int, upper: UInt64)] = {
        var bounds: [(index: Int, upper: UInt64)] = []
        for index in indices {
            let upper = UInt64(exp2(Double(index) / 8) * 1e9)
            // Of several that end within the same nanosecond, the first holds it.
            if upper > bounds.last?.upper ?? 0 { bounds.append((index, upper)) }
        }
        return bounds
    }()

    /// The buckets in which cells with these upper bounds lie.
    static func indices(of uppers: [UInt64]) -> [Int] {
        var next = bounds[...]
        return uppers.map { upper in
            next = next.drop { $0.upper < upper }
            return next.first?.index ?? indices.upperBound + 1
        }
    }
}
