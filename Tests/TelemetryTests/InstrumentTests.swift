// SPDX-License-Identifier: Apache-2.0
import Glibc
import Testing

@testable import Telemetry

/// Runs `body` on so many threads, each the only writer of its slot, and waits for all.
func onLoops(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) async {
    await withTaskGroup(of: Void.self) { group in
        for index in 0..<count {
            group.addTask {
                await withCheckedContinuation { continuation in
                    OwnThread.start {
                        Shard.bind(index: index)
                        body(index)
                        Shard.unbind()
                        continuation.resume()
                    }
                }
            }
        }
    }
}

struct InstrumentTests {
    @Test func `no count is lost between loops, other threads and a scrape`() async {
        let registry = MetricRegistry()
        let counter = registry.counter("a_total", "A.", layer: "t")()
        let gauge = registry.gauge("b", "B.", layer: "t")()
        let histogram = registry.histogram("c_seconds", "C.", buckets: [1], layer: "t")()
        async let others: Void = withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask { for _ in 0..<20_000 { counter.add() } }
            }
        }
        await onLoops(4) { _ in
            for _ in 0..<20_000 {
                counter.add()
                gauge.add(1)
                gauge.add(-1)
                histogram.observe(2_000_000_000)
            }
        }
        await others
        #expect(counter.value == 140_000)
        #expect(gauge.value == 0)
        #expect(histogram.count == 80_000)
        #expect(histogram.sum == 80_000 * 2_000_000_000)
    }

    @Test func `a gauge raised on one loop may be lowered on another`() async {
        let gauge = MetricRegistry().gauge("b", "B.", layer: "t")()
        await onLoops(2) { index in gauge.add(index == 0 ? 5 : -3) }
        #expect(gauge.value == 2)
    }

    @Test(
        arguments: [
            (0, 0), (9, 0), (10, 0), (11, 1), (20, 1), (21, 2), (300, 2), (301, 3), (UInt64.max, 3),
        ] as [(UInt64, Int)]
    )
    func `a bound belongs to its bucket`(_ value: UInt64, _ position: Int) {
        #expect(BucketLayout(bounds: [10, 20, 300]).index.cell(of: value) == position)
    }

    @Test func `more cells than a slab holds do not overlap`() {
        let registry = MetricRegistry(linesMax: 1_000_000)
        let family = registry.counter("a_total", "A.", labels: ["n"], layer: "t")
        let counters = (0..<10_000).map { family("\($0)") }
        for (index, counter) in counters.enumerated() { counter.add(UInt64(index)) }
        #expect(counters.enumerated().allSatisfy { $1.value == UInt64($0) })
    }
}

/// A thread that is no part of any pool, as a loop's is.
enum OwnThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    static func start(_ body: @escaping @Sendable () -> Void) {
        var thread = pthread_t()
        let context = unsafe Unmanaged.passRetained(Work(body)).toOpaque()
        let status = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Work>.fromOpaque(context).takeRetainedValue().body()
                return nil
            },
            context
        )
        precondition(status == 0)
        pthread_detach(thread)
    }
}
