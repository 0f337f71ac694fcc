// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Synchronization
import Testing

@testable import Telemetry

/// What becomes of records that a receiver is too busy for, or does not want.
@Suite struct LogReceiverTests {
    private func pipeline(to receiver: HTTPReceiver) throws -> LogPipeline {
        var configuration = LogConfiguration()
        configuration.sinks = [LogSinkConfiguration(.loki(try #require(receiver.endpoint)))]
        return LogPipeline(configuration, identity: ServiceIdentity(version: "1.0"))
    }

    @Test func `while Loki is busy its queue waits, and nothing is lost`() throws {
        let receiver = try HTTPReceiver { number, _ in
            number < 3
                ? "HTTP/1.1 500 empty ring\r\nContent-Length: 0\r\n\r\n"
                : "HTTP/1.1 204 No Content\r\n\r\n"
        }
        defer { receiver.stop() }
        let logs = try pipeline(to: receiver)
        for _ in 0..<500 { logs.write(.info, .app, "x") }
        #expect(comesTrue(within: 60) { logs.ledgers[0].written == 500 })
        logs.close()
        #expect(logs.ledgers[0].droppedInAll == 0)
    }

    /// What is accounted for late is not told by an alert that looks back for minutes.
    @Test func `what has arrived is accounted for while the rest is waited for`() throws {
        let receiver = try HTTPReceiver { number, _ in
            number == 0 ? "HTTP/1.1 204 No Content\r\n\r\n" : nil
        }
        defer { receiver.stop() }
        let endpoint = try #require(receiver.endpoint)
        let destination = RemoteDestination.loki(endpoint, ServiceIdentity(version: "1.0"))
        let sink = LogSink(LogSinkConfiguration(.loki(endpoint)), destination)
        let entries = (0..<600).map { number in
            LogEntry(
                sequence: number,
                wallNanoseconds: number,
                level: .info,
                module: .app,
                line: Array("{}".utf8)
            )
        }
        sink.queue.add(entries.count)
        sink.receive(LogBatch(entries), for: 1)
        sink.start()
        sink.wake()
        #expect(comesTrue { sink.readLedger { _ in }.written == 512 })
        #expect(sink.readLedger { _ in }.queued == 88)
        sink.finish(deadline: uptimeNanoseconds())
        sink.close(deadline: .max)
        #expect(sink.readLedger { _ in }.dropped[.sinkError] == 88)
        #expect(sink.queue.hasRoom(sink.queue.max))
    }

    /// As Loki does when a record is too long, and what a proxy does when there are too many.
    @Test(arguments: ["400 Bad Request", "413 Content Too Large"])
    func `what is refused together is divided until those who are at fault stand alone`(
        status: String
    ) throws {
        let receiver = try HTTPReceiver { _, request in
            let lines = (request.json["streams"]?[0]?["values"]?.array ?? []).map {
                $0[1]?.string ?? ""
            }
            let isRefused =
                status.hasPrefix("413") ? lines.count > 7 : lines.contains { $0.contains("bad") }
            return "HTTP/1.1 \(isRefused ? status : "204 No Content")\r\nContent-Length: 0\r\n\r\n"
        }
        defer { receiver.stop() }
        let logs = try pipeline(to: receiver)
        for number in 0..<300 { logs.write(.info, .app, number % 140 == 5 ? "bad" : "good") }
        logs.close()
        let ledger = logs.ledgers[0]
        let refused: UInt64 = status.hasPrefix("413") ? 0 : 3
        #expect(ledger.dropped[.rejected] == refused && ledger.isBalanced)
        #expect(ledger.written == 300 - refused)
        #expect(receiver.requests.count < 130)
    }

    @Test func `who wants nothing is not asked record by record`() throws {
        let receiver = try HTTPReceiver { _, _ in
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        }
        defer { receiver.stop() }
        let logs = try pipeline(to: receiver)
        for _ in 0..<2_000 { logs.write(.info, .app, "x") }
        #expect(comesTrue(within: 60) { logs.ledgers[0].dropped[.rejected] == 2_000 })
        #expect(receiver.requests.count <= 2_000 / 4)
    }

    @Test func `a document has a megabyte of lines at most`() throws {
        let receiver = try HTTPReceiver { _, _ in HTTPReceiver.accepted }
        defer { receiver.stop() }
        let logs = try pipeline(to: receiver)
        let long = String(repeating: "x", count: 4_000)
        for _ in 0..<400 {
            logs.write(.info, .app, "long") { record in
                record.field("a", long)
                record.field("b", long)
            }
        }
        logs.close(timeoutMilliseconds: 20_000)
        #expect(logs.ledgers[0].written == 400)
        for request in receiver.requests { #expect(request.body.count < 1_200_000) }
    }

    /// The machine may stand still for all the time there is: five times are enough.
    @Test func `a sink that does not get on costs no other the last record`() throws {
        let receiver = try HTTPReceiver { _, _ in
            "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
        }
        defer { receiver.stop() }
        let endpoint = try #require(receiver.endpoint)
        #expect(
            (0..<5).contains { _ in
                let records = Mutex<[UInt8]>([])
                let custom = LogSinkConfiguration.Destination.custom(name: "test") { bytes in
                    records.withLock { $0 += bytes }
                    return true
                }
                var configuration = LogConfiguration()
                configuration.sinks = [
                    LogSinkConfiguration(.loki(endpoint)), LogSinkConfiguration(custom),
                    LogSinkConfiguration(custom, format: .logfmt),
                ]
                let logs = LogPipeline(configuration, identity: ServiceIdentity(version: "1.0"))
                logs.write(.info, .app, "x")
                logs.end(timeoutMilliseconds: 600)
                let text = records.withLock { String(decoding: $0, as: UTF8.self) }
                return text.contains(#""event":"log.ledger""#) && text.contains("event=log.ledger")
            }
        )
    }

    @Test func `what a server refuses or cannot be told is dropped, and counted as that`() throws {
        let receiver = try HTTPReceiver { _, _ in
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        }
        let logs = try pipeline(to: receiver)
        for _ in 0..<10 { logs.write(.info, .app, "x") }
        #expect(comesTrue { logs.ledgers[0].dropped[.rejected] == 10 })
        receiver.stop()
        for _ in 0..<5 { logs.write(.info, .app, "x") }
        logs.close(timeoutMilliseconds: 500)
        #expect(logs.ledgers[0].isBalanced)
        #expect(logs.ledgers[0].written == 0)
    }
}
