// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Testing

@testable import Profiling

/// Has a name that can be looked for, and keeps a thread busy.
@inline(never)
func computeSomethingForLong(_ isOver: borrowing Atomic<Bool>) -> UInt64 {
    var value: UInt64 = 1
    while !isOver.load(ordering: .relaxed) {
        for _ in 0..<10_000 { value = value &* 6_364_136_223_846_793_005 &+ 1 }
    }
    return value
}

private final class Flag: Sendable {
    let isSet = Atomic<Bool>(false)
}

@Suite(.serialized) struct ProfilingTests {
    @Test func `a busy function is found under its name`() async throws {
        let flag = Flag()
        let worker = Thread { _ = computeSomethingForLong(flag.isSet) }
        worker.start()
        defer { flag.isSet.store(true, ordering: .relaxed) }
        var found = ""
        // A machine with other things to do gives the thread less time: look longer then.
        for _ in 0..<20 where !found.contains("computeSomethingForLong") {
            found = try await CPUProfile.record {
                try? await Task.sleep(for: .milliseconds(500))
            }.folded
        }
        let line = found.split(separator: "\n").first { $0.contains("computeSomethingForLong") }
        let stack = try #require(line, "\(found.prefix(2_000))").split(separator: ";")
        #expect(stack.count > 2)
        #expect(line?.split(separator: " ").last.flatMap { Int($0) } ?? 0 > 0)
    }

    @Test func `pprof is given the same samples`() async throws {
        let flag = Flag()
        Thread { _ = computeSomethingForLong(flag.isSet) }.start()
        defer { flag.isSet.store(true, ordering: .relaxed) }
        var profile: CPUProfile?
        for _ in 0..<20 where profile?.sampleCount ?? 0 == 0 {
            profile = try await CPUProfile.record {
                try? await Task.sleep(for: .milliseconds(300))
            }
        }
        let taken = try #require(profile)
        let fields = Self.fields(taken.pprof[...])
        let strings = fields.filter { $0.number == 6 }.map {
            String(decoding: $0.contents, as: UTF8.self)
        }
        #expect(Array(strings.prefix(5)) == ["", "samples", "count", "cpu", "nanoseconds"])
        #expect(strings.contains { $0.contains("computeSomethingForLong") })
        let samples = fields.filter { $0.number == 2 }.map { Self.fields($0.contents) }
        #expect(samples.count == taken.stacks.count)
        let counts = samples.compactMap { sample in
            sample.first { $0.number == 2 }.map { Int(Self.varints($0.contents)[0]) }
        }
        #expect(counts.reduce(0, +) == taken.sampleCount)
        let locations = Set(
            fields.filter { $0.number == 4 }.map { Self.fields($0.contents)[0].value }
        )
        let used = samples.flatMap { Self.varints($0[0].contents) }
        #expect(Set(used).isSubset(of: locations))
    }

    private static func varints(_ bytes: ArraySlice<UInt8>) -> [UInt64] {
        var values: [UInt64] = []
        var (value, shift): (UInt64, UInt64) = (0, 0)
        for byte in bytes {
            value |= UInt64(byte & 0x7F) << shift
            shift += 7
            guard byte < 0x80 else { continue }
            values.append(value)
            (value, shift) = (0, 0)
        }
        return values
    }

    /// A message's fields: numbers have no contents.
    private static func fields(
        _ bytes: ArraySlice<UInt8>
    ) -> [(number: UInt64, value: UInt64, contents: ArraySlice<UInt8>)] {
        var fields: [(number: UInt64, value: UInt64, contents: ArraySlice<UInt8>)] = []
        var rest = bytes
        func next() -> UInt64 {
            let end = rest.firstIndex { $0 < 0x80 } ?? rest.endIndex - 1
            defer { rest = rest[(end + 1)...] }
            return varints(rest[...end])[0]
        }
        while !rest.isEmpty {
            let key = next()
            let value = next()
            guard key & 7 == 2 else {
                fields.append((key >> 3, value, []))
                continue
            }
            fields.append((key >> 3, value, rest.prefix(Int(value))))
            rest = rest.dropFirst(Int(value))
        }
        return fields
    }

    @Test func `one profile is taken at a time`() async throws {
        let (started, start) = AsyncStream<Void>.makeStream()
        let (ended, end) = AsyncStream<Void>.makeStream()
        let first = Task {
            try await CPUProfile.record {
                start.finish()
                for await _ in ended {}
            }
        }
        for await _ in started {}
        await #expect(throws: CPUProfile.Failure.busy) { try await CPUProfile.record {} }
        end.finish()
        _ = try await first.value
        _ = try await CPUProfile.record {}
    }

    @Test func `every thread is listed with its state and its time`() throws {
        let threads = ProcessThread.all
        let own = try #require(threads.first { $0.identifier == getpid() })
        #expect(!own.name.isEmpty && ["R", "S", "D"].contains(own.state))
        #expect(threads.contains { $0.processorNanoseconds > 0 })
        #expect(threads.allSatisfy { $0.voluntarySwitches >= 0 })
    }

    @Test(arguments: [
        [], Array("#!/bin/sh".utf8), [0x7F, 0x45, 0x4C, 0x46, 2, 1],
        [0x7F, 0x45, 0x4C, 0x46, 2, 1] + [UInt8](repeating: 0xFF, count: 200),
    ])
    func `a file that is no program, or a broken one, has no symbols`(_ bytes: [UInt8]) {
        let table = SymbolTable(bytes)
        #expect(table == nil || table?.count == 0)
        #expect(table?.name(atOffset: 100) == nil)
    }
}
