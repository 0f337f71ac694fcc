// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSONCoding
import Synchronization
import Testing

@testable import Telemetry

private func entry(_ number: UInt64, _ level: LogLevel = .info) -> LogEntry {
    LogEntry(
        sequence: number,
        wallNanoseconds: number,
        level: level,
        module: .http,
        line: Array(#"{"seq":\#(number),"http.route":"/a/{b}"}"#.utf8)
    )
}

extension LogBatch {
    convenience init(_ entries: [LogEntry]) {
        var lines = LogLines()
        for entry in entries {
            let head = LogHead(
                wall: entry.wallNanoseconds,
                level: entry.level,
                module: entry.module,
                message: "test",
                sequence: entry.sequence
            )
            let line = entry.line + [UInt8(ascii: "\n")]
            lines.bytes.reserve(line.count)
            unsafe line.withUnsafeBytes { unsafe lines.bytes.append($0) }
            lines.append(LogMark(head, nil, sinks: 1, length: line.count))
        }
        self.init(lines, nil)
    }
}

extension LogRing {
    fileprivate func append(_ entries: [LogEntry]) {
        if !entries.isEmpty { append(LogBatch(entries)) }
    }
}

struct LogRingTests {
    @Test(arguments: [(0, 0..<0), (3, 0..<3), (4, 0..<4), (5, 1..<5), (11, 7..<11)])
    func `the latest are kept, oldest first`(_ count: Int, _ kept: Range<Int>) {
        let ring = LogRing(recordsMax: 4)
        ring.append((0..<count).map { entry(UInt64($0)) })
        #expect(ring.snapshot.map { Int($0.sequence) } == Array(kept))
    }

    @Test func `a subscriber gets what matches, from then on`() async throws {
        let ring = LogRing(recordsMax: 4)
        ring.append([entry(0, .error)])
        let subscription = try #require(ring.subscribe(capacity: 10) { $0.level == .error })
        ring.append([entry(1), entry(2, .error), entry(3)])
        let batch = try #require(await subscription.next())
        #expect(batch.entries.map(\.sequence) == [2])
        #expect(batch.entries.first?.route == "/a/{b}")
        #expect(batch.dropped == 0)
    }

    @Test func `a slow reader loses the newest and is told`() async throws {
        let ring = LogRing(recordsMax: 100)
        let subscription = try #require(ring.subscribe(capacity: 3))
        ring.append((0..<10).map { entry($0) })
        let batch = try #require(await subscription.next())
        #expect(batch.entries.map(\.sequence) == [0, 1, 2])
        #expect(batch.dropped == 7)
        #expect(subscription.dropped == 7)
        ring.append([entry(10)])
        #expect(await subscription.next()?.entries.map(\.sequence) == [10])
    }

    /// Closed until somebody opens it.
    private final class Gate: Sendable {
        let isOpen = Atomic(false)

        func pass() -> Bool {
            while !isOpen.load(ordering: .acquiring) { usleep(1_000) }
            return true
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `a filter that takes its time keeps no record from its sink`() async throws {
        var configuration = LogConfiguration()
        configuration.sinks = [LogSinkConfiguration(.custom(name: "test") { _ in true })]
        configuration.ringRecordsMax = 10
        let logs = LogPipeline(configuration, identity: ServiceIdentity())
        let gate = Gate()
        let subscription = try #require(logs.ring.subscribe(capacity: 1_000) { _ in gate.pass() })
        for _ in 0..<100 { logs.write(.info, .app, "record") }
        while logs.ledgers.contains(where: { $0.written < 100 }) { await Task.yield() }
        gate.isOpen.store(true, ordering: .releasing)
        var seen = 0
        while seen < 100, let batch = await subscription.next() { seen += batch.entries.count }
        #expect(seen == 100)
        subscription.cancel()
    }

    @Test(arguments: [
        ("a", "1"), ("b.c", "x\"y,}"), ("layers", nil), ("sql", "last"), ("auth", nil),
        ("n", "-2.5"),
    ])
    func `a field is found without reading the others`(_ name: String, _ text: String?) {
        let line = #"{"a":1,"b.c":"x\"y,}","layers":{"sql":0.1,"auth":2},"n":-2.5,"sql":"last"}"#
        let entry = LogEntry(
            sequence: 1,
            wallNanoseconds: 1,
            level: .info,
            module: .http,
            line: Array(line.utf8)
        )
        let value = entry.field(name)
        #expect(
            value.map { $0.string ?? $0.compactText }
                == (name == "layers" ? #"{"sql":0.1,"auth":2}"# : text)
        )
    }

    @Test func `a waiting reader wakes for a record, and for the end`() async throws {
        let ring = LogRing(recordsMax: 4)
        let subscription = try #require(ring.subscribe(capacity: 3))
        async let first = subscription.next()
        ring.append([entry(1)])
        #expect(await first?.entries.count == 1)
        let waiting = Task { await subscription.next() == nil }
        waiting.cancel()
        #expect(await waiting.value)
        #expect(ring.subscriberCount == 0)
        ring.append([entry(2)])
        #expect(await subscription.next() == nil)
    }
}
