// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
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

    @Test func `pprof and the folded stacks tell the same of each stack`() async throws {
        let flag = Flag()
        for name in ["first", "second"] {
            let worker = Thread { _ = computeSomethingForLong(flag.isSet) }
            worker.name = name
            worker.start()
        }
        defer { flag.isSet.store(true, ordering: .relaxed) }
        var profile: CPUProfile?
        for _ in 0..<20 where profile?.sampleCount ?? 0 < 10 {
            profile = try await CPUProfile.record {
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
        let taken = try #require(profile)
        let folded = FoldedLines(taken.folded)
        #expect(folded.counts.values.reduce(0, +) == taken.sampleCount)
        let pprof = taken.pprof
        let decoded = PprofReading(pprof[...])
        #expect(decoded.sampleTypes == ["samples/count", "cpu/nanoseconds"])
        #expect(decoded.period == CPUProfile.interval)
        #expect(decoded.folded == folded)
        #expect(decoded.samples.allSatisfy { $0.values[1] == $0.values[0] * CPUProfile.interval })
        guard let text = try pprofTool(pprof) else { return }
        #expect(FoldedLines(ofPprofTool: text) == folded)
    }

    /// What Debian's pprof reads, where it is installed.
    private func pprofTool(_ profile: [UInt8]) throws -> String? {
        let folder = "/usr/lib/go-1.19/pkg/tool/linux_amd64"
        let tool = "\(folder)/pprof"
        guard FileManager.default.isExecutableFile(atPath: tool) else { return nil }
        let file = NSTemporaryDirectory() + "lucarne-\(UInt64.random(in: 0 ... .max)).pprof"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(profile).write(to: URL(filePath: file))
        let run = try Command.run(tool, ["-symbolize=none", "-raw", file])
        #expect(run.status == 0, "\(run.errors)")
        return run.output
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
        #expect(own.name == "loop-0" && ["R", "S", "D"].contains(own.state))
        #expect(threads.contains { $0.processorNanoseconds > 0 })
        #expect(threads.allSatisfy { $0.voluntarySwitches >= 0 })
    }

    @Test(arguments: [
        ("oot.default-qos", "libdispatch default"), ("ackground-qos", "ackground-qos"),
        (".background-qos", "libdispatch background"),
        ("maintenance-qos", "libdispatch maintenance"),
        ("r-initiated-qos", "libdispatch user-initiated"),
        ("interactive-qos", "libdispatch user-interactive"),
        ("-qos.overcommit", "libdispatch overcommit"), ("loop-1", "loop-1"),
        ("fifteen-letters", "fifteen-letters"),
    ])
    func `a name that the kernel has cut is told whole`(name: String, shown: String) {
        #expect(ProcessThread.shown(name, of: 0) == shown)
        #expect(ProcessThread.shown(name, of: getpid()) == "loop-0")
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
