// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct LogSurvivalTests {
        /// Requests without end, until the process that answers is gone.
        private func load(_ server: LucarneProcess) throws -> Process {
            let load = Process()
            load.executableURL = URL(filePath: "/usr/bin/env")
            load.arguments = [
                "python3", Repository.root + "/Tests/Clients/noise.py", "\(server.port)", "1000000",
            ]
            load.standardOutput = FileHandle.nullDevice
            load.standardError = FileHandle.nullDevice
            load.standardInput = FileHandle.nullDevice
            try load.run()
            return load
        }

        /// LUCARNE_TEST_RECORDS makes it the long form: so many records a second have to be made
        /// before the process is killed, which takes the released binary (`make survival`).
        private static let recordsWanted =
            ProcessInfo.processInfo.environment["LUCARNE_TEST_RECORDS"].flatMap { Double($0) } ?? 0

        /// Waits until the records come as fast as is wanted; says how fast they came at best.
        private func fastest(of server: LucarneProcess) throws -> Double {
            var best = 0.0
            var (records, at) = (0.0, Date())
            _ = try eventually(within: 60) {
                usleep(500_000)
                let (now, time) = (try server.metric("lucarne_log_records_total"), Date())
                best = max(best, (now - records) / time.timeIntervalSince(at))
                (records, at) = (now, time)
                return best >= Self.recordsWanted
            }
            return best
        }

        /// At the lowest level a request makes half a dozen records.
        @Test(arguments: [SIGKILL, SIGSEGV])
        func `a killed process's last record is told by the next one`(_ signal: Int32) throws {
            let database = try Database()
            let data = NSTemporaryDirectory() + "lucarne-data-\(UInt64.random(in: 0 ... .max))"
            defer { try? FileManager.default.removeItem(atPath: data) }
            // Swift's own handler would take a minute to describe a crash of the debug build.
            let environment = [
                "LUCARNE_DATA_DIRECTORY": data, "LUCARNE_LOG_LEVEL": "debug",
                "SWIFT_BACKTRACE": "enable=no",
            ]
            let first = try LucarneProcess.serving(
                connection: database.connection,
                environment: environment
            )
            let loads = try (0..<(Self.recordsWanted > 0 ? 3 : 1)).map { _ in try load(first) }
            #expect(try eventually(within: 30) { first.output.utf8.count > 2_000_000 })
            if Self.recordsWanted > 0 {
                let rate = try fastest(of: first)
                #expect(rate >= Self.recordsWanted)
                let told = "signal \(signal) at \(Int(rate)) records a second\n"
                FileHandle.standardError.write(Data(told.utf8))
            }
            first.signal(signal)
            #expect(try first.exitCode() != nil)
            for load in loads { load.terminate() }
            // A record may have been cut off in the middle of its line.
            let lines = first.output.split(separator: "\n").filter { $0.hasSuffix("}") }
            let last = try #require(
                lines.compactMap { $0.firstMatch(of: /"seq":([0-9]+)/).flatMap { Int($0.1) } }.max()
            )
            let second = try LucarneProcess.serving(
                connection: database.connection,
                environment: environment
            )
            let told = try second.records().filter { "\($0["event"] ?? "")" == "previous_run_tail" }
            let numbers = told.compactMap { $0["previous.seq"] as? Int }
            #expect(try #require(numbers.max()) >= last)
            #expect(numbers == numbers.sorted())
            let text = try #require(told.last?["previous.record"] as? String)
            #expect(text.contains("\"seq\":\(try #require(numbers.last))"))
            second.signal(SIGTERM)
            #expect(try second.exitCode() == 0)
            let third = try LucarneProcess.serving(
                connection: database.connection,
                environment: environment
            )
            #expect(!third.output.contains("previous_run_tail"))
        }

        @Test func `a stopped process has written what it made, and says so`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let load = try load(server)
            #expect(try eventually(within: 30) { try server.records().count > 500 })
            server.signal(SIGTERM)
            #expect(try server.exitCode(within: 60) == 0)
            load.terminate()
            let records = try server.records()
            let last = try #require(records.last)
            #expect("\(last["event"] ?? "")" == "log.ledger")
            let numbers = records.compactMap { $0["seq"] as? Int }
            let account = "\(last["ledger"] ?? "")".split(separator: ",").first ?? ""
            let words = account.split(separator: " ")
            #expect(words.first == "stdout")
            let made = words.lazy.compactMap { Int($0.trimmingPrefix("made=")) }.first ?? -1
            let dropped = words.lazy.compactMap { Int($0.trimmingPrefix("dropped=")) }.first ?? -1
            #expect(made == numbers.count + dropped, "\(account)")
            #expect(Set(numbers).count == numbers.count)
            #expect((numbers.max() ?? 0) + 1 == made, "numbers have no gaps but the drops")
        }

        /// LUCARNE_TEST_NOISE makes it the long form.
        private static let noiseCount =
            ProcessInfo.processInfo.environment["LUCARNE_TEST_NOISE"].flatMap { Int($0) } ?? 60_000

        @Test func `noise from outside makes no series and takes no memory`() throws {
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: ["LUCARNE_LOG_LEVEL": "error", "LUCARNE_LOG_RING_RECORDS": "100"]
            )
            func noise(_ count: Int) throws {
                let run = try Command.run(
                    "/usr/bin/env",
                    [
                        "python3", Repository.root + "/Tests/Clients/noise.py", "\(server.port)",
                        "\(count)",
                    ]
                )
                try #require(run.status == 0, "\(run.errors)")
            }
            let before = try server.metric("http_server_request_duration_seconds_count")
            try noise(20_000)
            let size = try server.residentBytes()
            let lines = try server.get("/metrics").body.split(separator: "\n").count
            let count = Self.noiseCount
            try noise(count - 20_000)
            let name = "http_server_request_duration_seconds_count"
            #expect(try server.metric(name) - before == Double(count))
            #expect(try server.get("/metrics").body.split(separator: "\n").count <= lines + 200)
            #expect(try server.residentBytes() - size < 5 << 20)
        }

        @Test func `a hundred scrapers that never read hold a piece each, not all`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let client = Repository.root + "/Tests/Clients/stalled.py"
            func stall(_ count: Int) throws -> (whole: Int, resident: Int, queued: Int) {
                let run = try Command.run(
                    "/usr/bin/env",
                    ["python3", client, "\(server.port)", "\(server.processID)", "\(count)"]
                )
                let words = run.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
                try #require(words.count == 3, "\(run.errors)")
                return (words[0], words[1], words[2])
            }
            let few = try stall(4)
            #expect(few.whole > 512 << 10, "or this shows nothing")
            let many = try stall(100)
            // Half of them have a compressor each.
            #expect(many.resident - few.resident < 100 * 256 << 10)
            #expect(many.queued < 100 * 384 << 10)
        }
    }
}

extension LucarneProcess {
    func residentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
        return try #require(line.split(separator: " ").compactMap { Int($0) }.first) * 1_024
    }
}
