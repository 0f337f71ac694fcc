// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSONCoding
import Synchronization
import Testing

@testable import Telemetry

/// A sink that can be stalled, made to fail, and read.
private final class Receiver: Sendable {
    private let received = Mutex<[UInt8]>([])
    let isStalled = Atomic<Bool>(false)
    let fails = Atomic<Bool>(false)

    func take(_ bytes: [UInt8]) -> Bool {
        while isStalled.load(ordering: .acquiring) { usleep(500) }
        guard !fails.load(ordering: .acquiring) else { return false }
        received.withLock { $0.append(contentsOf: bytes) }
        return true
    }

    var lines: [String] {
        let text = received.withLock { String(decoding: $0, as: UTF8.self) }
        return text.split(separator: "\n").map(String.init)
    }

    var sequences: [Int] {
        lines.compactMap { line in
            guard let value = try? JSONValue(parsing: Array(line.utf8)),
                case .object(let members) = value,
                case .number(let number)? = members.first(where: { $0.0 == "seq" })?.1
            else { return nil }
            return Int(number)
        }
    }
}

private func pipeline(
    _ receiver: Receiver,
    queueMax: Int = 8_192,
    whenFull: LogFullPolicy = .dropNewest,
    level: LogLevel = .info
) -> LogPipeline {
    var configuration = LogConfiguration()
    configuration.level = level
    var sink = LogSinkConfiguration(.custom(name: "test", receiver.take))
    sink.queueMax = queueMax
    sink.whenFull = whenFull
    configuration.sinks = [sink]
    return LogPipeline(configuration, identity: ServiceIdentity(version: "1.0"))
}

struct LogPipelineTests {
    @Test func `a record says when, what and who, then of which request, then its own`() throws {
        let receiver = Receiver()
        let logs = pipeline(receiver)
        let trace = RequestTrace(
            startedAt: uptimeNanoseconds(),
            context: TraceContext(
                accepting: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            ),
            requestID: "abc"
        )
        logs.write(.info, .http, "request", event: "http.request", trace: trace) { record in
            record.field("n", 1)
        }
        logs.close()
        let line = try #require(receiver.lines.first)
        guard case .object(let members) = try JSONValue(parsing: Array(line.utf8)) else {
            Issue.record("no object: \(line)")
            return
        }
        #expect(
            members.map(\.0) == [
                "time", "level", "msg", "event", "logger", "seq", "service.name",
                "service.version", "service.instance.id", "trace_id", "span_id", "trace_flags",
                "request_id", "n",
            ]
        )
        #expect(line.contains(#""trace_flags":"01","request_id":"abc","n":1}"#))
    }

    @Test func `numbers have no gaps, from however many threads`() async {
        let receiver = Receiver()
        let logs = pipeline(receiver, queueMax: 1_000_000)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask { for _ in 0..<500 { logs.write(.info, .app, "x") } }
            }
        }
        logs.close()
        #expect(receiver.sequences.sorted() == Array(0..<4_000))
        #expect(logs.ledgers.first?.written == 4_000)
    }

    @Test func `a stalled sink loses records, and every one is accounted for`() async throws {
        let receiver = Receiver()
        receiver.isStalled.store(true, ordering: .releasing)
        let logs = pipeline(receiver, queueMax: 100)
        for _ in 0..<1_000 { logs.write(.info, .app, "x") }
        let stalled = try #require(logs.ledgers.first)
        #expect(stalled.isBalanced)
        #expect(stalled.produced == 1_000)
        #expect(stalled.written == 0)
        #expect(stalled.queued == 100)
        #expect(stalled.dropped[.queueFull] == 900)
        receiver.isStalled.store(false, ordering: .releasing)
        logs.close()
        let ended = try #require(logs.ledgers.first)
        #expect(ended.isBalanced)
        #expect(ended.written == 100)
        #expect(ended.queued == 0)
        #expect(receiver.lines.count == 100)
    }

    @Test func `the ledger balances at every instant`() async {
        let receiver = Receiver()
        let logs = pipeline(receiver, queueMax: 50)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<5_000 { logs.write(.info, .app, "x") } }
            }
            group.addTask {
                for _ in 0..<2_000 { #expect(logs.ledgers.allSatisfy { $0.isBalanced }) }
            }
        }
        logs.close()
        #expect(logs.ledgers.first?.produced == 20_000)
        #expect(logs.ledgers.first.map { Int($0.written) } == receiver.lines.count)
    }

    @Test(arguments: [10, 16, 35, 1_000])
    func `a group of requests finds as much room as there is`(_ room: Int) async {
        let receiver = Receiver()
        receiver.isStalled.store(true, ordering: .releasing)
        var configuration = TelemetryConfiguration()
        configuration.log.ringRecordsMax = 0
        var sink = LogSinkConfiguration(.custom(name: "test", receiver.take))
        sink.queueMax = room
        configuration.log.sinks = [sink]
        let telemetry = Telemetry(configuration)
        let route = RouteTelemetry(template: "/a", registry: telemetry.registry)
        await onLoops(1) { _ in
            for _ in 0..<40 {
                let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
                trace.route = route
                telemetry.requestStarted(trace)
                telemetry.requestEnded(trace, RequestSummary(status: 200))
            }
            telemetry.account()
        }
        let written = min(40, room)
        let ledger = telemetry.logs.ledgers[0]
        #expect(ledger.produced == 40)
        #expect(ledger.dropped[.queueFull] == UInt64(40 - written))
        #expect(ledger.isBalanced)
        receiver.isStalled.store(false, ordering: .releasing)
        telemetry.logs.close()
        #expect(receiver.sequences == Array(0..<written))
    }

    @Test func `a failing sink's records are counted as its errors`() throws {
        let receiver = Receiver()
        receiver.fails.store(true, ordering: .releasing)
        let logs = pipeline(receiver)
        for _ in 0..<10 { logs.write(.info, .app, "x") }
        logs.close()
        let ledger = try #require(logs.ledgers.first)
        #expect(ledger.dropped[.sinkError] == 10)
        #expect(ledger.errors > 0)
        #expect(ledger.isBalanced)
    }

    @Test func `a sink that blocks waits for room instead of dropping`() throws {
        let receiver = Receiver()
        let logs = pipeline(receiver, queueMax: 10, whenFull: .block(milliseconds: 5_000))
        for _ in 0..<500 { logs.write(.info, .app, "x") }
        logs.close()
        #expect(receiver.lines.count == 500)
    }

    @Test func `when full, what matters less goes first`() throws {
        let receiver = Receiver()
        receiver.isStalled.store(true, ordering: .releasing)
        let logs = pipeline(
            receiver,
            queueMax: 10,
            whenFull: .dropBelow(.warning, milliseconds: 5_000)
        )
        for _ in 0..<30 { logs.write(.info, .app, "x") }
        OwnThread.start {
            usleep(50_000)
            receiver.isStalled.store(false, ordering: .releasing)
        }
        logs.write(.error, .app, "kept")
        logs.close()
        #expect(receiver.lines.count == 11)
        #expect(receiver.lines.contains { $0.contains(#""msg":"kept""#) })
    }

    @Test func `after the end nothing is written, and that is counted`() throws {
        let receiver = Receiver()
        let logs = pipeline(receiver)
        logs.write(.info, .app, "x")
        logs.close()
        logs.write(.info, .app, "y")
        let ledger = try #require(logs.ledgers.first)
        #expect(ledger.dropped[.closed] == 1)
        #expect(ledger.isBalanced)
        #expect(receiver.lines.count == 1)
    }

    @Test(arguments: [LogLevel.trace, .error])
    func `a level that was lowered or raised for a while comes back`(_ level: LogLevel) {
        let telemetry = Telemetry()
        let logs = telemetry.logs
        logs.setLevel(level, of: .http, forSeconds: 0)
        logs.setLevel(level, of: .sql, forSeconds: 3_600)
        #expect(logs.isEnabled(.info, .http) == (level == .trace))
        telemetry.tick()
        #expect(logs.isEnabled(.info, .http))
        #expect(!logs.isEnabled(.debug, .http))
        #expect(logs.isEnabled(.info, .sql) == (level == .trace), "its time is not over")
    }

    @Test func `levels are changed by module`() {
        let logs = pipeline(Receiver())
        #expect(!logs.isEnabled(.debug, .sql))
        logs.setLevel(.debug, of: .sql)
        #expect(logs.isEnabled(.debug, .sql))
        #expect(!logs.isEnabled(.debug, .http))
        logs.setLevel(.error)
        #expect(!logs.isEnabled(.debug, .sql))
        #expect(!logs.isEnabled(.warning, .pool))
    }

    @Test func `a file is continued, and rotated without splitting a record`() throws {
        let directory = "/tmp/lucarne-log-\(UInt64.random(in: 0 ... .max))"
        try #require(unsafe mkdir(directory, 0o700) == 0)
        let path = "\(directory)/lucarne.log"
        var configuration = LogConfiguration()
        configuration.sinks = [
            LogSinkConfiguration(
                .file(path: path, LogRotation(bytesMax: 20_000, keep: 2, compresses: false))
            )
        ]
        let logs = LogPipeline(configuration, identity: ServiceIdentity())
        for _ in 0..<40 {
            for _ in 0..<10 { logs.write(.info, .app, "a record of some length") }
            usleep(15_000)
        }
        logs.close()
        #expect(logs.ledgers.first?.written == 400)
        for name in [path, "\(path).1", "\(path).2"] {
            let lines = readLines(name)
            #expect(!lines.isEmpty, "\(name)")
            #expect(lines.allSatisfy { $0.hasPrefix("{\"time\"") && $0.hasSuffix("}") })
            _ = unsafe unlink(name)
        }
        #expect(unsafe access("\(path).3", F_OK) != 0)
        _ = unsafe rmdir(directory)
    }

    @Test func `a file that was moved away is begun anew`() throws {
        let path = "/tmp/lucarne-log-\(UInt64.random(in: 0 ... .max))"
        let logs = fileLog(path)
        logs.write(.info, .app, "before")
        while logs.ledgers[0].queued > 0 { usleep(1_000) }
        try #require(unsafe rename(path, "\(path).moved") == 0)
        logs.write(.info, .app, "after")
        logs.close()
        for (name, message) in [("\(path).moved", "before"), (path, "after")] {
            let lines = readLines(name)
            #expect(lines.count == 1 && lines[0].contains(message), "\(lines)")
            _ = unsafe unlink(name)
        }
    }

    @Test func `a line that was left unfinished is no other record's beginning`() throws {
        let path = "/tmp/lucarne-log-\(UInt64.random(in: 0 ... .max))"
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT, 0o600)
        try #require(unsafe write(descriptor, "{\"torn", 6) == 6)
        close(descriptor)
        let logs = fileLog(path)
        logs.write(.info, .app, "whole")
        logs.close()
        let lines = readLines(path)
        #expect(lines.count == 2 && lines[0] == "{\"torn", "\(lines)")
        #expect(lines.last?.hasPrefix("{\"time\"") == true)
        _ = unsafe unlink(path)
    }

    private func fileLog(_ path: String) -> LogPipeline {
        var configuration = LogConfiguration()
        configuration.sinks = [LogSinkConfiguration(.file(path: path, LogRotation()))]
        return LogPipeline(configuration, identity: ServiceIdentity())
    }

    private func readLines(_ path: String) -> [String] {
        let descriptor = unsafe open(path, O_RDONLY)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
            .split(separator: "\n").map(String.init)
    }
}
