// SPDX-License-Identifier: Apache-2.0
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

    @Test func `the next run tells what the one before did not get to`() throws {
        let scratch = Scratch()
        let ring = LogRing(recordsMax: 100)
        var kept = LogConfiguration()
        kept.sinks = [LogSinkConfiguration(.ring(ring))]
        kept.tailPath = "\(scratch.path)/tail"
        var leftovers: [[UInt8]] = []
        do {
            let tail = try #require(
                MappedTail(path: "\(scratch.path)/tail", slots: 2, leftovers: &leftovers)
            )
            for number in [3, 1, 2] {
                unsafe Array(#"{"msg":"m","seq":\#(number)}"#.utf8 + [0x0A]).withUnsafeBytes {
                    unsafe tail.append($0, slot: 0)
                }
            }
        }
        let logs = LogPipeline(kept, identity: ServiceIdentity(version: "1.0"))
        logs.close()
        let told = ring.snapshot.filter { $0.field("event")?.string == "previous_run_tail" }
        #expect(told.map { $0.field("previous.seq")?.int } == [1, 2, 3])
        #expect(told.first?.field("previous.record")?.string == #"{"msg":"m","seq":1}"#)
    }
}
