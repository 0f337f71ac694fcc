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

    @Test(arguments: [9_500, 50_000])
    func `rows and the slow are all there, however many statements`(seriesMax: Int) {
        var configuration = TelemetryConfiguration()
        configuration.seriesMax = seriesMax
        configuration.slowStatementNanoseconds = 1_000
        let telemetry = Telemetry(configuration)
        for number in 0..<1_500 {
            telemetry.statementEnded("SELECT \(number)", nanoseconds: 1_000, rows: 3)
        }
        let statistics = telemetry.statementStatistics
        #expect(statistics.reduce(0) { $0 + $1.count } == 1_500)
        #expect(statistics.reduce(0) { $0 + $1.rows } == 4_500)
        #expect(statistics.reduce(0) { $0 + $1.slow } == 1_500)
        #expect(statistics.contains { $0.summary == "_overflow" })
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

    /// For PostgreSQL, OpenTelemetry's `db.namespace` is `{database}|{schema}`.
    @Test func `metrics and spans say alike where a statement ran`() {
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 1
        let telemetry = Telemetry(configuration)
        telemetry.report(ProcessEvent.databaseReached(version: 180_000, name: "shop"))
        // As loops count them.
        Shard.bind(index: 59)
        defer { Shard.unbind() }
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry)
        let schemas = ["sales", "", "warehouse of spare parts", "sales"]
        for (number, schema) in schemas.enumerated() {
            let trace = RequestTrace(startedAt: 1, context: .restarted(), method: .get)
            trace.route = route
            telemetry.requestStarted(trace)
            let previous = trace.enter(.sql, named: "sql", at: 2)
            telemetry.statementEnded(
                "SELECT planets",
                nanoseconds: 1,
                rows: 2,
                sqlState: number == 3 ? "57014" : nil,
                schema: schema,
                in: trace
            )
            trace.leave(to: previous, failed: number == 3, at: 3)
            trace.end(at: 4)
            telemetry.requestEnded(trace, RequestSummary(status: 200))
        }
        telemetry.account()
        let told = telemetry.traces.all.flatMap { kept in
            kept.spans.indices.flatMap(kept.facts).filter { $0.key == "db.namespace" }
        }
        let spans = Set(told.compactMap(\.value.text))
        #expect(spans == ["shop", "shop|sales", "shop|warehouse of spare parts"])
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        let lines = text.split(separator: "\n")
            .filter { $0.hasPrefix("db_client_operation_duration_seconds_count") }
        let series = lines.compactMap { line in
            line.firstRange(of: #"db_namespace=""#)
                .map { String(line[$0.upperBound...].prefix { $0 != "\"" }) }
        }
        #expect(series.sorted() == (spans + ["shop|sales"]).sorted(), "the failure's is its own")
        let statistics = telemetry.statementStatistics
        #expect(statistics.map(\.count) == [4])
        #expect(statistics.map(\.errors) == [1])
        #expect(statistics.map(\.rows) == [8])
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
