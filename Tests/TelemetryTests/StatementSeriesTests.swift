// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

/// `/debug/sql` is read from the same series as `/metrics`, and says the same.
struct StatementSeriesTests {
    @Test(arguments: [9_500, 50_000])
    func `failures are counted once each, however many codes there are`(seriesMax: Int) {
        var configuration = TelemetryConfiguration()
        configuration.seriesMax = seriesMax
        let telemetry = Telemetry(configuration)
        telemetry.statementEnded("SELECT planets", nanoseconds: 1, rows: 2)
        for code in 0..<1_500 {
            telemetry.statementEnded(
                "CALL \(code % 30)",
                nanoseconds: 1_000,
                rows: 0,
                sqlState: "Z\(code)"
            )
        }
        let statistics = telemetry.statementStatistics
        #expect(statistics.reduce(0) { $0 + $1.count } == 1_501)
        #expect(statistics.reduce(0) { $0 + $1.totalNanoseconds } == 1_500_001)
        #expect(statistics.reduce(0) { $0 + $1.rows } == 2)
        let shared = statistics.first { $0.summary == "_overflow" }
        #expect((shared != nil) == (seriesMax < 50_000))
        let errors = statistics.reduce(0) { $0 + $1.errors }
        #expect(errors + (shared?.count ?? 0) == 1_500)
        #expect(statistics.allSatisfy { $0.summary == "_overflow" || $0.count <= 50 })
    }

    @Test(arguments: [1, 40_000, 7_300_000, 999_999_999, 2_000_000_000, 86_400_000_000_000])
    func `a quantile lies within a tenth of what was observed`(nanoseconds: UInt64) {
        let telemetry = Telemetry()
        for _ in 0..<3 { telemetry.statementEnded("SELECT 1", nanoseconds: nanoseconds, rows: 1) }
        let value = Double(nanoseconds)
        for statistics in telemetry.statementStatistics {
            for quantile in [statistics.median, statistics.p99] {
                #expect(abs(quantile - value) < max(1, value / 10))
            }
        }
    }

    @Test func `a loop is never said to be later than it was`() {
        let registry = MetricRegistry()
        let series = LoopSeries(
            lag: registry.histogram("l", "L.", labels: ["loop"], buckets: [1], layer: "t"),
            busy: registry.counter("b", "B.", labels: ["loop"], layer: "t")
        )
        for late: UInt64 in [7, 7, 9] { series.series(1).beat(late: late, slot: Shard.foreign) }
        #expect(series.readings.map(\.beats) == [3])
        #expect(series.readings.allSatisfy { $0.lagMedian <= 9 && $0.lagP99 == 9 })
    }
}
