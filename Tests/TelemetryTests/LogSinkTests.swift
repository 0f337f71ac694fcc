// SPDX-License-Identifier: Apache-2.0
import Compression
import Glibc
import JSONCoding
import Synchronization
import Testing

@testable import Telemetry

private func configuration(_ destination: LogSinkConfiguration.Destination) -> LogConfiguration {
    var configuration = LogConfiguration()
    configuration.sinks = [LogSinkConfiguration(destination)]
    return configuration
}

private func pipeline(_ configuration: LogConfiguration) -> LogPipeline {
    LogPipeline(configuration, identity: ServiceIdentity(version: "1.0"))
}

struct LogSinkTests {
    @Test func `OTLP gets records with its own names for what it has names for`() throws {
        let receiver = try HTTPReceiver()
        defer { receiver.stop() }
        let logs = pipeline(configuration(.otlp(try #require(receiver.endpoint))))
        let trace = RequestTrace(
            startedAt: uptimeNanoseconds(),
            context: TraceContext(
                accepting: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            )
        )
        logs.write(.error, .sql, "broken", event: "sql.broken", trace: trace) { record in
            record.field("n", 7)
            record.field("ratio_ms", milliseconds: 1_500_000)
            record.field("text", "é\u{2028}\"")
        }
        for _ in 0..<600 { logs.write(.info, .app, "x") }
        logs.close()
        #expect(logs.ledgers[0].written == 601)
        #expect(logs.ledgers[0].isBalanced)
        let documents = receiver.requests.map(\.json)
        #expect(documents.flatMap { brokenOTLPRules($0) } == [])
        let records = documents.flatMap {
            $0["resourceLogs"]?[0]?["scopeLogs"]?[0]?["logRecords"]?.array ?? []
        }
        #expect(records.count == 601)
        let first = try #require(records.first)
        #expect(first["severityNumber"]?.int == 17)
        #expect(first["body"]?["stringValue"]?.string == "broken")
        #expect(first["traceId"]?.string == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(first["flags"]?.int == 1)
        let attributes = first["attributes"]?.compactText ?? ""
        #expect(attributes.contains(#"{"key":"n","value":{"intValue":"7"}}"#))
        #expect(attributes.contains(#"{"key":"ratio_ms","value":{"doubleValue":1.500}}"#))
        #expect(!attributes.contains("service.name"))
    }

    @Test func `Loki gets few labels, and the rest as metadata`() throws {
        let receiver = try HTTPReceiver { _, _ in
            "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
        }
        defer { receiver.stop() }
        let logs = pipeline(configuration(.loki(try #require(receiver.endpoint))))
        logs.write(.info, .app, "one")
        logs.write(.warning, .sql, "two")
        logs.write(.info, .http, "three")
        logs.close()
        let request = try #require(receiver.requests.first)
        #expect(request.path == "/loki/api/v1/push")
        let streams = try #require(request.json["streams"]?.array)
        #expect(streams.map { $0["stream"]?["level"]?.string } == ["info", "warning"])
        #expect(
            streams[0]["stream"]?.members?.map(\.0) == ["service_name", "level", "env", "instance"]
        )
        let values = try #require(streams[0]["values"]?.array)
        #expect(values.count == 2)
        #expect(Int(values[0][0]?.string ?? "") != nil)
        #expect(values[0][1]?.string?.contains(#""msg":"one""#) == true)
        #expect(values[0][2]?["logger"]?.string == "app")
        #expect(logs.ledgers[0].written == 3)
    }

    /// "Ingest logs" (docs/sources/reference/loki-http-api.md): gzipped JSON, nanoseconds and the
    /// line as strings, metadata an object of strings alone. pkg/loghttp/query.go refuses the
    /// whole push for one value of another kind.
    @Test func `a push has the shape that Loki documents`() throws {
        let receiver = try HTTPReceiver { _, _ in
            "HTTP/1.1 204 No Content\r\n\r\n"
        }
        defer { receiver.stop() }
        let logs = pipeline(configuration(.loki(try #require(receiver.endpoint))))
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        logs.write(.error, .sql, "with a trace", trace: trace) { record in
            record.field("n", 7)
            record.field("text", "\u{2028}\u{0}\"\\é")
        }
        logs.write(.info, .app, "without", wall: 1_700_000_000_000_000_007)
        logs.close()
        let request = try #require(receiver.requests.first)
        #expect(request.head.hasPrefix("POST /loki/api/v1/push HTTP/1.1\r\n"))
        #expect(request.head.contains("\r\nContent-Type: application/json\r\n"))
        #expect(request.head.contains("\r\nContent-Encoding: gzip"))
        let streams = try #require(request.json["streams"]?.array)
        #expect(streams.count == 2 && request.json.members?.count == 1)
        for stream in streams {
            #expect(stream.members?.map(\.0) == ["stream", "values"])
            for (name, value) in stream["stream"]?.members ?? [] {
                #expect(name.wholeMatch(of: /[a-zA-Z_][a-zA-Z0-9_]*/) != nil)
                #expect(value.string?.isEmpty == false)
            }
            for value in stream["values"]?.array ?? [] {
                #expect(value.array?.count == 3)
                #expect(value[0]?.string?.wholeMatch(of: /[0-9]{19}/) != nil)
                let line = try JSONValue(parsing: Array((value[1]?.string ?? "").utf8))
                #expect(line["logger"]?.string == value[2]?["logger"]?.string)
                #expect(line["trace_id"]?.string == value[2]?["trace_id"]?.string)
                #expect(value[2]?.members?.allSatisfy { $0.1.string != nil } == true)
            }
        }
        #expect(streams[0]["values"]?[0]?[0]?.string == "1700000000000000007")
    }

    @Test func `a full file is renamed and compressed, and so many are kept`() throws {
        let scratch = Scratch()
        let rotation = LogRotation(bytesMax: 20_000, keep: 2)
        let logs = pipeline(configuration(.file(path: "\(scratch.path)/l", rotation)))
        for batch in 0..<20 {
            for _ in 0..<50 { logs.write(.info, .app, "a record of some length") }
            #expect(comesTrue { logs.ledgers[0].written == UInt64((batch + 1) * 50) })
        }
        logs.close()
        #expect(scratch.names == ["l", "l.1.gz", "l.2.gz"])
        var last = -1
        for name in ["l.2.gz", "l.1.gz", "l"] {
            var bytes = scratch.read(name)
            if name.hasSuffix("gz") {
                bytes = try GzipDecompressor.decompress(bytes, bytesMax: 1 << 20)
            }
            for line in bytes.split(separator: 0x0A) {
                let sequence = try JSONValue(parsing: Array(line))["seq"]?.int ?? -1
                if last >= 0 { #expect(sequence == last + 1) }
                last = sequence
            }
        }
        #expect(last == 999)
    }

    @Test func `a file is no larger than it may be, however much comes at once`() {
        let scratch = Scratch()
        let rotation = LogRotation(bytesMax: 20_000, keep: 20, compresses: false)
        let file = FileDestination(path: "\(scratch.path)/l", rotation: rotation)
        let lines = (0..<2_000).map { "record \($0) \(String(repeating: "x", count: $0 % 90))\n" }
        for part in [lines[..<3], lines[3..<700], lines[700...]] {
            let bytes = Array(part.joined().utf8)
            #expect(unsafe bytes.withUnsafeBytes { unsafe file.write($0) } == bytes.count)
        }
        file.close()
        let names = (1..<scratch.names.count).reversed().map { "l.\($0)" } + ["l"]
        #expect(names.count > 4)
        let parts = names.map { scratch.read($0) }
        #expect(parts.allSatisfy { $0.count <= 20_000 && $0.last == 0x0A })
        #expect(parts.flatMap(\.self) == Array(lines.joined().utf8))
    }

    /// How often it was tried is told by the file that each attempt moves up: twice, and it is gone.
    @Test func `a file that cannot be renamed takes the rest at once`() {
        let scratch = Scratch()
        let path = "\(scratch.path)/l"
        let inTheWay = ["l.1", "l.2"]
        for name in inTheWay {
            _ = unsafe mkdir("\(scratch.path)/\(name)", 0o700)
            close(unsafe open("\(scratch.path)/\(name)/x", O_CREAT | O_WRONLY, 0o600))
        }
        defer {
            for name in inTheWay {
                _ = unsafe unlink("\(scratch.path)/\(name)/x")
                _ = unsafe rmdir("\(scratch.path)/\(name)")
            }
        }
        close(unsafe open("\(path).1.gz", O_CREAT | O_WRONLY, 0o600))
        let rotation = LogRotation(bytesMax: 20_000, keep: 2, compresses: false)
        let file = FileDestination(path: path, rotation: rotation)
        let lines = (0..<2_000).map { "record \($0) \(String(repeating: "x", count: $0 % 90))\n" }
        let bytes = Array(lines.joined().utf8)
        #expect(unsafe bytes.withUnsafeBytes { unsafe file.write($0) } == bytes.count)
        file.close()
        #expect(scratch.names == ["l", "l.1", "l.2", "l.2.gz"])
        #expect(scratch.read("l") == bytes)
    }

    @Test func `a file begins with its period`() throws {
        let scratch = Scratch()
        let path = "\(scratch.path)/l"
        let logs = pipeline(
            configuration(.file(path: path, LogRotation(seconds: 3_600, compresses: false)))
        )
        logs.write(.info, .app, "first")
        logs.close()
        // As if it had been written yesterday.
        var times = [timeval(tv_sec: 86_400, tv_usec: 0), timeval(tv_sec: 86_400, tv_usec: 0)]
        #expect(unsafe utimes(path, &times) == 0)
        let next = pipeline(
            configuration(.file(path: path, LogRotation(seconds: 3_600, compresses: false)))
        )
        next.write(.info, .app, "second")
        next.close()
        #expect(scratch.names == ["l", "l.1"])
        #expect(String(decoding: scratch.read("l.1"), as: UTF8.self).contains("first"))
        #expect(String(decoding: scratch.read("l"), as: UTF8.self).contains("second"))
    }

    @Test func `a full disk loses records, and every one is accounted for`() async {
        let logs = pipeline(configuration(.file(path: "/dev/full", LogRotation(keep: 0))))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<2_000 { logs.write(.info, .app, "x") } }
            }
            group.addTask {
                for _ in 0..<500 { #expect(logs.ledgers.allSatisfy { $0.isBalanced }) }
            }
        }
        logs.close()
        let ledger = logs.ledgers[0]
        #expect(ledger.produced == 8_000)
        #expect(ledger.isBalanced)
        #expect(ledger.queued == 0)
        #expect(ledger.written == 0)
        #expect(ledger.errors > 0)
    }

    @Test func `a sink that hangs for ever does not hold the end up`() throws {
        var pipe: [Int32] = [0, 0]
        try #require(unsafe Glibc.pipe(&pipe) == 0)
        let path = "/proc/self/fd/\(pipe[1])"
        let logs = pipeline(configuration(.file(path: path, LogRotation())))
        for _ in 0..<2_000 { logs.write(.info, .app, "what nobody reads") }
        let started = uptimeNanoseconds()
        logs.close(timeoutMilliseconds: 300)
        #expect(uptimeNanoseconds() - started < 20_000_000_000)
        #expect(logs.ledgers[0].isBalanced)
        #expect(logs.ledgers[0].produced == 2_000)
        for descriptor in pipe { close(descriptor) }
    }

    @Test func `ECS has its own names`() throws {
        let ring = LogRing(recordsMax: 10)
        var ecs = configuration(.ring(ring))
        ecs.sinks[0].format = .ecs
        let logs = pipeline(ecs)
        let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
        logs.write(.info, .http, "hello", event: "e", trace: trace) { record in
            record.field("duration_ms", milliseconds: 1_234_567)
        }
        logs.close()
        let fields = try #require(ring.snapshot.first?.fields)
        #expect(
            fields.map(\.0) == [
                "@timestamp", "log.level", "message", "event.action", "log.logger",
                "event.sequence", "service.name", "service.version", "service.node.name",
                "service.environment", "ecs.version", "trace.id", "span.id", "http.request.id",
                "event.duration",
            ]
        )
        #expect(fields.last?.1.int == 1_234_567)
    }

    @Test func `who writes gives way to those who serve`() {
        let seen = Mutex<[Int32]>([])
        let logs = pipeline(
            configuration(
                .custom(name: "test") { _ in
                    let niceness = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
                    seen.withLock { $0 = [sched_getscheduler(0), niceness] }
                    return true
                }
            )
        )
        logs.write(.info, .app, "x")
        logs.close()
        let batch: Int32 = 3
        let own = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
        #expect(seen.withLock(\.self) == [batch, max(5, own)])
    }
}

struct LogThinningTests {
    @Test func `a place that repeats itself is cut short, and says so later`() {
        let ring = LogRing(recordsMax: 100)
        var limited = configuration(.ring(ring))
        limited.duplicatesMax = 3
        let logs = pipeline(limited)
        let second: UInt64 = 1_700_000_000_000_000_000
        for _ in 0..<10 { logs.write(.warning, .app, "again", wall: second) }
        logs.write(.warning, .app, "something else", wall: second)
        logs.write(.warning, .app, "again", wall: second + 1_000_000_000)
        logs.close()
        let entries = ring.snapshot
        #expect(entries.map(\.sequence) == [0, 1, 2, 3, 4], "numbers have no gaps")
        #expect(entries.last?.field("repeats_left_out")?.int == 7)
        let ledger = logs.ledgers[0]
        #expect(ledger.dropped[.rateLimited] == 7)
        #expect(ledger.produced == 12)
        #expect(ledger.isBalanced)
    }

    @Test func `ordinary requests are sampled, failed and slow ones are all there`() {
        var configuration = TelemetryConfiguration()
        configuration.keepOneTraceIn = 0
        configuration.log.ringRecordsMax = 5_000
        configuration.log.keepOneRequestIn = 10
        let telemetry = Telemetry(configuration)
        let route = RouteTelemetry(template: "/a", registry: telemetry.registry)
        for number in 0..<2_000 {
            let trace = RequestTrace(startedAt: uptimeNanoseconds(), context: .restarted())
            trace.route = route
            telemetry.requestStarted(trace)
            telemetry.requestEnded(trace, RequestSummary(status: number % 100 == 0 ? 500 : 200))
        }
        telemetry.close()
        let requests = telemetry.logs.ring.snapshot.filter {
            $0.field("event")?.string == "http.request"
        }
        let failed = requests.filter { $0.level == .error }.count
        #expect(failed == 20)
        #expect((100..<320).contains(requests.count - failed))
        let ledger = telemetry.logs.ledgers[0]
        #expect(ledger.dropped[.sampled] == UInt64(2_000 - requests.count))
        #expect(ledger.isBalanced)
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        func sum(_ family: String) -> Int {
            text.split(separator: "\n").filter { $0.hasPrefix("lucarne_log_\(family){") }
                .reduce(0) { $0 + (Int($1.split(separator: " ").last ?? "") ?? 0) }
        }
        let made = sum("records_total")
        #expect(made >= 2_000 && made == Int(ledger.produced))
        #expect(
            made == sum("records_written_total") + sum("queue_records")
                + sum("records_dropped_total")
        )
    }
}
