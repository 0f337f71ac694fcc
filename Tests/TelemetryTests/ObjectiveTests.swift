// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Telemetry

private let minute: UInt64 = 60_000_000_000

struct BurnHistoryTests {
    @Test func `no requests are no error ratio, and burn nothing`() {
        let history = BurnHistory(since: ObjectiveReading(at: minute))
        let standing = ObjectiveStanding(
            ServiceObjective(.availability, target: 0.999),
            history,
            ObjectiveReading(at: 9 * minute)
        )
        #expect(standing.windows.allSatisfy { $0.errorRatio == nil && $0.burn == nil })
        #expect(standing.budgetRemaining == 1)
        #expect(BurnAlert.all.allSatisfy { !standing.isFiring($0) })
    }

    @Test func `a window that begins between two readings takes its part of what is between`() {
        var history = BurnHistory(since: ObjectiveReading(at: 0))
        history.record(ObjectiveReading(at: 4 * minute, total: 400, failed: 40))
        let now = ObjectiveReading(at: 7 * minute, total: 700, failed: 40)
        let change = history.change(over: .minutes5, until: now)
        #expect(change.total == 500)
        #expect(change.failed == 20)
    }

    @Test func `thirty days are remembered in bounded memory`() {
        var history = BurnHistory(since: ObjectiveReading(at: 0))
        var reading = ObjectiveReading(at: 0)
        for _ in 0..<40 * 24 * 60 {
            reading.at += minute
            reading.total += 1
            history.record(reading)
        }
        #expect(history.budgetChange(until: reading).total == 30 * 24 * 60)
        #expect(history.change(over: .days3, until: reading).total == 3 * 24 * 60)
    }

    @Test func `an outage fires the page while it lasts, and the ticket after it`() {
        var history = BurnHistory(since: ObjectiveReading(at: 0))
        var reading = ObjectiveReading(at: 0)
        func pass(minutes: Int, failing: Double) {
            for _ in 0..<minutes {
                reading.at += minute
                reading.total += 100
                reading.failed += failing
                history.record(reading)
            }
        }
        let objective = ServiceObjective(.availability, target: 0.999)
        func firing() -> [Bool] {
            let standing = ObjectiveStanding(objective, history, reading)
            return BurnAlert.all.map(standing.isFiring)
        }
        pass(minutes: 600, failing: 0)
        #expect(firing() == [false, false, false, false])
        pass(minutes: 10, failing: 50)
        #expect(firing() == [true, true, true, true])
        pass(minutes: 60, failing: 0)
        #expect(firing() == [false, false, true, true])
    }

    @Test(arguments: [0.9, 0.8])
    func `an outage is a page for a low objective as well`(target: Double) {
        var history = BurnHistory(since: ObjectiveReading(at: 0))
        history.record(ObjectiveReading(at: 60 * minute, total: 600))
        let standing = ObjectiveStanding(
            ServiceObjective(.availability, target: target),
            history,
            ObjectiveReading(at: 120 * minute, total: 1_200, failed: 600)
        )
        #expect(standing.isFiring(BurnAlert.all[0]))
    }

    /// One request a minute.
    @Test(arguments: [(1, [false, false, true, true]), (6, [true, true, true, true])])
    func `where little is asked, one failure is no page, and an outage is one`(
        failures: Int,
        firing: [Bool]
    ) {
        var history = BurnHistory(since: ObjectiveReading(at: 0))
        var reading = ObjectiveReading(at: 0)
        for minuteOfRun in 1...60 {
            reading.at += minute
            reading.total += 1
            reading.failed += minuteOfRun > 60 - failures ? 1 : 0
            history.record(reading)
        }
        let objective = ServiceObjective(.availability, target: 0.999)
        let standing = ObjectiveStanding(objective, history, reading)
        #expect(BurnAlert.all.map(standing.isFiring) == firing)
    }
}

struct ObjectiveMonitorTests {
    @Test func `what is answered late or with a 5xx counts against its objective`() throws {
        let telemetry = Telemetry()
        let route = RouteTelemetry(
            template: "/x",
            registry: telemetry.registry,
            methods: [.get]
        )
        func answer(_ status: Int, milliseconds: UInt64) {
            let now = uptimeNanoseconds()
            let trace = RequestTrace(startedAt: now, context: .restarted(), method: .get)
            trace.route = route
            telemetry.requestStarted(trace)
            var summary = RequestSummary(status: status)
            summary.endedAt = now &+ milliseconds &* 1_000_000
            telemetry.requestEnded(trace, summary)
        }
        for _ in 0..<7 { answer(200, milliseconds: 1) }
        answer(200, milliseconds: 251)
        answer(404, milliseconds: 250)
        answer(503, milliseconds: 1)
        let standings = telemetry.objectives.standings
        #expect(standings.map(\.objective.name) == ["availability", "latency250ms"])
        #expect(standings.map(\.requests) == [10, 10])
        #expect(standings.map(\.bad) == [1, 1])
        #expect(standings[0].windows.allSatisfy { $0.errorRatio == 0.1 })
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        let line = #"lucarne_slo_error_ratio{slo="availability",slo_window="5m"} 0.1"#
        #expect(text.contains(line + "\n"))
        #expect(text.contains("lucarne_slo_objective_ratio{slo=\"availability\"} 0.999\n"))
    }

    @Test(
        arguments: [
            (1, 200, "0"), (1, 500, "-9000000000"), (0.999_999_999_999_999_9, 500, "-9000000000"),
            (0.999_999_999_9, 500, "-9000000000"),
        ] as [(Double, Int, String)]
    )
    func `a target that allows next to nothing is told in numbers, too`(
        _ target: Double,
        _ status: Int,
        _ remaining: String
    ) {
        var configuration = TelemetryConfiguration()
        configuration.objectives = [ServiceObjective(.availability, target: target)]
        let telemetry = Telemetry(configuration)
        let route = RouteTelemetry(template: "/x", registry: telemetry.registry, methods: [.get])
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        trace.route = route
        telemetry.requestStarted(trace)
        telemetry.requestEnded(trace, RequestSummary(status: status))
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        let name = #"lucarne_slo_budget_remaining_ratio{slo="availability"}"#
        #expect(text.contains("\(name) \(remaining)"))
    }
}

/// The same numbers through Prometheus and through the process: promtool computes the shipped
/// rules over a series, and says whether the calculator's answers are within one percent.
struct PrometheusRulesTests {
    /// Three days and a bit, one reading a minute: quiet nights, an outage, a slow hour.
    private let readings: [ObjectiveReading] = {
        var readings = [ObjectiveReading(at: 0)]
        var random = UInt64(20_261_123)
        for minuteOfRun in 1...(74 * 60) {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let hour = minuteOfRun / 60
            let requests = Double(hour % 24 < 6 ? 20 : 400 + Int(random >> 60) * 10)
            let failed = hour == 70 ? requests / 4 : Double(Int(random >> 40) % 2)
            let slow = hour == 73 ? requests / 3 : requests / 200
            var next = readings[minuteOfRun - 1]
            next.at = UInt64(minuteOfRun) * minute
            next.total += requests
            next.failed += failed.rounded(.down)
            next.slow += slow.rounded(.down)
            readings.append(next)
        }
        return readings
    }()

    private let objectives = TelemetryConfiguration().objectives
    private static let moments = [90, 70 * 60 + 30, 71 * 60, 73 * 60 + 30, 74 * 60]

    @Test(arguments: [1.0, 1.03])
    func `burn rates are those of the Prometheus rules`(_ distortion: Double) throws {
        let directory = NSTemporaryDirectory() + "lucarne-rules-\(UInt64.random(in: 0 ... .max))"
        let files = FileManager.default
        try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: directory) }
        let path = directory + "/rules_test.yml"
        try rulesTest(distortion).write(toFile: path, atomically: true, encoding: .utf8)
        let promtool = try run("promtool", ["test", "rules", path])
        // What is three percent off must be found out, or agreement would mean nothing.
        #expect((promtool.status == 0) == (distortion == 1), "\(promtool.output.prefix(2_000))")
    }

    private func rulesTest(_ distortion: Double) -> String {
        func series(_ name: String, _ value: (ObjectiveReading) -> Double) -> String {
            let values = readings.map { "\(Int(value($0)))" }.joined(separator: " ")
            return "  - {series: '\(name)', values: '\(values)'}"
        }
        let duration = "http_server_request_duration_seconds"
        let good = #"job="lucarne",http_response_status_code="200""#
        let bad = #"job="lucarne",http_response_status_code="500""#
        return """
            rule_files: ['\(repository)/prometheus/rules/recording.yml']
            evaluation_interval: 30m
            tests:
            - interval: 1m
              input_series:
            \(series("\(duration)_count{\(good)}") { $0.total - $0.failed })
            \(series("\(duration)_count{\(bad)}") { $0.failed })
            \(series("\(duration)_bucket{\(good),le=\"0.25\"}") { $0.total - $0.slow })
              promql_expr_test:
            \(expectations(distortion).joined(separator: "\n"))

            """
    }

    private func expectations(_ distortion: Double) -> [String] {
        var history = BurnHistory(since: readings[0])
        var lines: [String] = []
        for (position, reading) in readings.enumerated() {
            if position > 0 { history.record(reading) }
            guard Self.moments.contains(position) else { continue }
            for objective in objectives {
                let standing = ObjectiveStanding(objective, history, reading)
                for window in standing.windows {
                    guard let ratio = window.errorRatio, ratio > 0 else { continue }
                    let ours = ratio * distortion
                    let name = objective.name
                    let rule = "slo:sli_error:ratio_rate\(window.window.rawValue){slo=\"\(name)\"}"
                    lines.append(
                        """
                          - {expr: 'count(abs(\(rule) / \(ours) - 1) < 0.01)', \
                        eval_time: \(position)m, exp_samples: [{labels: '{}', value: 1}]}
                        """
                    )
                }
            }
        }
        return lines
    }
}

private let repository = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().standardizedFileURL.path

private func run(_ tool: String, _ arguments: [String]) throws -> (status: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}
