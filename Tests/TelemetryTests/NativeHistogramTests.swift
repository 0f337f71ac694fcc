// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Telemetry

struct NativeHistogramTests {
    @Test func `a duration is in the bucket that the specification puts it in`() {
        let layout = BucketLayout(bounds: [500_000, 250_000_000, 10_000_000_000], native: true)
        var values: [UInt64] = [1, 2, 3, 7, 15, 16, 17, 499_999, 500_000, 500_001, 1_000_000_000]
        for exponent in 0..<47 {
            values += (0..<200).map { _ in
                UInt64.random(in: 1 << UInt64(exponent)..<2 << UInt64(exponent))
            }
        }
        for value in values {
            let cell = layout.index.cell(of: value)
            let index = layout.nativeIndices[cell]
            // ceil(log2(v) * 2^schema), and the bounds at whole nanoseconds.
            #expect(UInt64(exp2(Double(index) / 8) * 1e9) >= value, "\(value) in \(index)")
            #expect(UInt64(exp2(Double(index - 1) / 8) * 1e9) < value, "\(value) in \(index)")
            let classic = layout.ends.prefix { $0 <= cell }.count
            #expect(classic == layout.position(of: value), "\(value)")
        }
        #expect(layout.index.cell(of: 0) == 0)
        #expect(layout.index.cell(of: .max) == layout.cellCount - 1)
    }

    @Test(arguments: [[1], [0, 1, 2, 3, 5, 10], [256, 1024, 4096], [75, 100_000_000_000]])
    func `classic bounds are found as by looking at each`(_ bounds: [UInt64]) {
        let layout = BucketLayout(bounds: bounds)
        for value in Array(0...5_000) + bounds + bounds.map({ $0 + 1 }) {
            #expect(layout.index.cell(of: value) == layout.position(of: value), "\(value)")
        }
    }

    @Test func `runs hold what there is, and skip what there is not`() {
        var cells = [UInt64](repeating: 0, count: 12)
        (cells[0], cells[1], cells[2], cells[5], cells[11]) = (7, 1, 2, 3, 4)
        let native = NativeReading(cells, indices: [-99] + Array(-3...7))
        #expect(native.schema == 3)
        #expect(native.zeroCount == 7)
        #expect(
            native.runs == [.init(offset: -3, length: 5), .init(offset: 5, length: 1)],
            "a gap of two is filled, a longer one is not"
        )
        #expect(native.counts == [1, 2, 0, 0, 3, 4])
    }

    @Test func `too many buckets halve the resolution, and lose no observation`() {
        let layout = BucketLayout(bounds: [1_000_000], native: true)
        var cells = [UInt64](repeating: 1, count: layout.cellCount)
        cells[0] = 5
        let native = NativeReading(cells, indices: layout.nativeIndices)
        #expect(native.schema < 3)
        #expect(native.counts.count { $0 > 0 } <= NativeBuckets.countMax)
        #expect(native.counts.reduce(0, +) == UInt64(layout.cellCount - 1))
        // One second is the end of bucket 0 at every resolution.
        let first = native.runs[0].offset
        let upToOneSecond = native.counts.prefix(1 - first).reduce(0, +)
        let cell = layout.index.cell(of: 1_000_000_000)
        #expect(upToOneSecond == UInt64(cell))
    }

    @Test func `both views of a histogram count the same observations`() {
        let registry = MetricRegistry()
        let histogram = registry.histogram(
            "a_seconds",
            "A.",
            buckets: Buckets.http,
            native: true,
            layer: "t"
        )()
        var expected: UInt64 = 0
        for value in (0..<5_000).map({ _ in UInt64.random(in: 0...20_000_000_000) }) + [0, 0] {
            histogram.observe(value)
            expected &+= value
        }
        let reading = HistogramReading(histogram.cell, histogram.layout)
        #expect(reading.sum == expected)
        #expect(reading.count == 5_002)
        #expect(reading.buckets.reduce(0, +) == 5_002)
        let native = reading.native
        #expect((native?.zeroCount ?? 0) + (native?.counts.reduce(0, +) ?? 0) == 5_002)
        #expect((native?.zeroCount ?? 0) >= 2)
    }
}
