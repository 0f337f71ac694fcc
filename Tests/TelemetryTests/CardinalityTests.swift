// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

/// Whatever clients send, there are so many series and no more, and nothing is lost from the sums.
/// A hundred thousand here; `Tests/Clients/noise.py PORT 1000000` sends a million over the wire.
struct CardinalityTests {
    @Test func `noise makes no series, and every request is still counted`() {
        var configuration = TelemetryConfiguration()
        configuration.seriesMax = 5_000
        configuration.log.ringRecordsMax = 100
        configuration.log.level = .warning
        let telemetry = Telemetry(configuration)
        let count = 100_000
        noise(of: count, telemetry)
        #expect(telemetry.registry.linesUsed <= configuration.seriesMax)
        let samples = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
            .split(separator: "\n")
        #expect(samples.filter { !$0.hasPrefix("#") }.count <= configuration.seriesMax)
        for name in [
            "http_server_request_duration_seconds_count", "lucarne_http_problems_total",
            "db_client_operation_duration_seconds_count",
            "db_client_response_returned_rows_count",
        ] {
            let sum = samples.filter { $0.hasPrefix(name + "{") }
                .compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
            #expect(sum == count, "\(name)")
        }
        #expect(telemetry.statements.count <= StatementSeries.entriesMax + 1)
        checkOverflows(of: telemetry)
    }

    /// Each family that has overflown is told of once, and what made it so large.
    private func checkOverflows(of telemetry: Telemetry) {
        for _ in 0..<2 { telemetry.tick() }
        telemetry.logs.close()
        let told = telemetry.logs.ring.snapshot.map { String(decoding: $0.line, as: UTF8.self) }
            .filter { $0.contains("metrics.overflow") }
        let overflown = telemetry.registry.seriesCounts.filter(\.hasOverflowed).map(\.name)
        #expect(!overflown.isEmpty && told.count == overflown.count)
        #expect(overflown.allSatisfy { name in told.contains { $0.contains("\"\(name)\"") } })
        let labels = telemetry.registry.labelCounts(of: "db_client_operation_duration_seconds")
        #expect(
            labels.first { $0.label == "db_system_name" }?.values.map(\.value) == [
                "postgresql", "_overflow",
            ]
        )
        #expect(
            labels.first { $0.label == "db_query_summary" }.map { $0.values.count > 10 } == true
        )
    }

    private func noise(of count: Int, _ telemetry: Telemetry) {
        let route = RouteTelemetry(
            template: "/rest/v1/{relation}",
            registry: telemetry.registry,
            methods: [.get, .post]
        )
        for number in 0..<count {
            let trace = RequestTrace(
                startedAt: uptimeNanoseconds(),
                context: .restarted(),
                method: RequestMethod.allCases.randomElement() ?? .get
            )
            if number % 2 == 0 { trace.route = route }
            telemetry.requestStarted(trace)
            telemetry.statementEnded(
                "SELECT t\(number)",
                nanoseconds: 1_000,
                rows: 1,
                sqlState: number % 3 == 0 ? "Z\(number)" : nil,
                in: trace
            )
            var summary = RequestSummary(status: Int.random(in: 200..<600))
            summary.errorCode = "E\(number)"
            summary.path = Array("/noise/\(number)".utf8)[...]
            telemetry.requestEnded(trace, summary)
        }
    }
}
