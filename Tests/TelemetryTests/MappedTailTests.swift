// SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Glibc
import JSONCoding
import Testing

@testable import Telemetry

struct MappedTailTests {
    private static func fill(_ path: String, slots: Int, records: Int, ends: Bool) -> [[UInt8]] {
        var leftovers: [[UInt8]] = []
        let tail = MappedTail(path: path, slots: slots, leftovers: &leftovers)
        for number in 0..<records {
            unsafe Array("record \(number)\n".utf8).withUnsafeBytes {
                unsafe tail?.append($0, slot: number % max(1, slots))
            }
        }
        if ends { tail?.close() }
        return leftovers
    }

    @Test func `what a killed run said last is found by the next one`() {
        let scratch = Scratch()
        let path = "\(scratch.path)/tail"
        #expect(Self.fill(path, slots: 2, records: 50_000, ends: false).isEmpty)
        let found = Self.fill(path, slots: 3, records: 5, ends: true)
        let numbers = Set(
            found.compactMap { Int(String(decoding: $0, as: UTF8.self).dropFirst(7).dropLast()) }
        )
        #expect(numbers.count == found.count, "each is whole, none comes twice")
        #expect(numbers.isSuperset(of: 46_000..<50_000))
        #expect(Self.fill(path, slots: 3, records: 0, ends: true).isEmpty, "it ended as it should")
    }

    @Test(arguments: [0, 100, 4_096, 70_000])
    func `a file that is something else is taken over`(_ size: Int) {
        let scratch = Scratch()
        let path = "\(scratch.path)/tail"
        let descriptor = unsafe open(path, O_CREAT | O_WRONLY, 0o600)
        let noise = (0..<size).map { _ in UInt8.random(in: 0...255) }
        #expect(unsafe write(descriptor, noise, size) == size)
        close(descriptor)
        #expect(Self.fill(path, slots: 1, records: 3, ends: false).isEmpty)
        #expect(Self.fill(path, slots: 1, records: 0, ends: true).count == 3)
    }

    @Test func `a damaged ring yields what is whole, or nothing`() {
        let scratch = Scratch()
        let path = "\(scratch.path)/tail"
        for _ in 0..<20 {
            _ = Self.fill(path, slots: 1, records: 3_000, ends: false)
            let descriptor = unsafe open(path, O_WRONLY)
            for _ in 0..<200 {
                var byte = UInt8.random(in: 0...255)
                _ = unsafe pwrite(descriptor, &byte, 1, off_t.random(in: 4_096..<69_000))
            }
            close(descriptor)
            let found = Self.fill(path, slots: 1, records: 0, ends: true)
            #expect(found.allSatisfy { $0.count <= LogRecord.bytesMax })
        }
    }

    @Test func `records that came together are told one by one`() {
        let scratch = Scratch()
        let path = "\(scratch.path)/tail"
        var leftovers: [[UInt8]] = []
        do {
            let tail = MappedTail(path: path, slots: 1, leftovers: &leftovers)
            var number = 0
            for count in [1, 2, 16, 400] {
                var lines: [UInt8] = []
                for _ in 0..<count {
                    lines += Array("record \(number)\n".utf8)
                    number += 1
                }
                unsafe lines.withUnsafeBytes { unsafe tail?.append($0, slot: 0) }
            }
        }
        let found = Self.fill(path, slots: 1, records: 0, ends: true)
        let told = Set(found.map { String(decoding: $0, as: UTF8.self) })
        #expect(told == Set((0..<419).map { "record \($0)\n" }))
    }

    @Test func `two processes do not share a file`() {
        let scratch = Scratch()
        var leftovers: [[UInt8]] = []
        let first = MappedTail(path: "\(scratch.path)/tail", slots: 1, leftovers: &leftovers)
        let second = MappedTail(path: "\(scratch.path)/tail", slots: 1, leftovers: &leftovers)
        #expect(first != nil)
        #expect(second == nil)
        #expect(MappedTail(path: "/nowhere/tail", slots: 1, leftovers: &leftovers) == nil)
    }

    /// What the next run says of what the one before did not get to.
    private static func told(of lines: [String]) throws -> [LogEntry] {
        let scratch = Scratch()
        let ring = LogRing(recordsMax: 100)
        var kept = LogConfiguration()
        kept.sinks = [LogSinkConfiguration(.ring(ring))]
        kept.tailPath = "\(scratch.path)/tail"
        var leftovers: [[UInt8]] = []
        do {
            let path = "\(scratch.path)/tail"
            let tail = try #require(MappedTail(path: path, slots: 2, leftovers: &leftovers))
            for line in lines {
                unsafe Array("\(line)\n".utf8).withUnsafeBytes { unsafe tail.append($0, slot: 0) }
            }
        }
        let logs = LogPipeline(kept, identity: ServiceIdentity(version: "1.0"))
        logs.close()
        return ring.snapshot.filter { $0.field("event")?.string == "previous_run_tail" }
    }

    @Test func `the next run tells what the one before did not get to`() throws {
        let told = try Self.told(of: [3, 1, 2].map { #"{"msg":"m","seq":\#($0)}"# })
        #expect(told.map { $0.field("previous.seq")?.int } == [1, 2, 3])
        #expect(told.first?.field("previous.record")?.string == #"{"msg":"m","seq":1}"#)
    }

    @Test(arguments: [
        #"{"seq":1,"url.query":"a=eq.password=[redacted]","status":401,"layers":{"sql":1.0}}"#,
        #"{"seq":1,"note":"a \"b\" \\ ü ✓ Bearer abc postgres://a:b@c","ms":1}"#,
        #"{"seq":1,"error.message":"\#(String(repeating: "long ", count: 2_400))","ms":1}"#,
    ])
    func `a record is told as it was`(_ line: String) throws {
        let told = try #require(try Self.told(of: [line]).first)
        #expect(told.field("previous.record")?.string == line)
        #expect(told.field("_cut") == nil)
    }

    @Test func `a record for which there is no room is marked as cut`() throws {
        let line = #"{"seq":1,"a":"\#(String(repeating: #"\""#, count: 8_000))"}"#
        let told = try #require(try Self.told(of: [line]).first)
        #expect(told.fields.contains { $0 == ("_cut", .bool(true)) })
        #expect(told.line.count <= LogRecord.bytesMax)
    }

    @Test(arguments: [
        (#"{"time":"2026-11-30T09:00:00.0Z","level":"error","msg":"m","seq":1}"#, "error"),
        (#"{"@timestamp":"2026-11-30T09:00:00.0Z","log.level":"debug","message":"m"}"#, "debug"),
        (#"time=2026-11-30T09:00:00.0Z level=warning msg="m" logger=http seq=1"#, "warning"),
        ("09:00:00.000 \u{1B}[31mcritical\u{1B}[0m http \u{1B}[1mm\u{1B}[0m", "critical"),
        (#"{"msg":"m","seq":1}"#, "notice"), (#"{"level":"none","seq":1}"#, "notice"),
    ])
    func `a record is told at the level that it had`(_ line: String, _ level: String) throws {
        let told = try #require(try Self.told(of: [line]).first)
        #expect(told.level.label.text == level)
        #expect(told.field("level")?.string == level)
    }

    @Test(arguments: LogFormat.allCases)
    func `what was told of an earlier run is not told again`(_ format: LogFormat) throws {
        let scratch = Scratch()
        var kept = LogConfiguration()
        kept.sinks = [LogSinkConfiguration(.custom(name: "none") { _ in true }, format: format)]
        for run in 1...3 {
            kept.tailPath = "\(scratch.path)/\(run)"
            let logs = LogPipeline(kept, identity: ServiceIdentity(version: "1.0"))
            logs.write(.error, .app, "of this run", event: "run") { $0.field("run", run) }
            logs.write(.info, .app, "more") { record in
                record.field("a", #"x msg="previous run" event=previous_run_tail"#)
            }
            // As a kill would leave it.
            let tail = try Data(contentsOf: URL(filePath: "\(scratch.path)/\(run)"))
            try tail.write(to: URL(filePath: "\(scratch.path)/\(run + 1)"))
            logs.close()
        }
        var leftovers: [[UInt8]] = []
        _ = MappedTail(path: "\(scratch.path)/4", slots: 1, leftovers: &leftovers)
        let lines = leftovers.map { String(decoding: $0, as: UTF8.self) }
        #expect(lines.count == 4, "two of the third run, two that it told of the second: \(lines)")
        #expect(lines.filter { $0.contains("previous.record") }.count == 2)
    }
}
