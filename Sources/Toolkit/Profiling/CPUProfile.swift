// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Synchronization

/// Where the process's threads spent their processor time for a while: stacks, and how often each
/// was seen.
package struct CPUProfile: Sendable {
    package struct Stack: Hashable, Sendable {
        package var thread: Int32
        /// Addresses, innermost first.
        package var frames: [UInt]
    }

    package enum Failure: Error { case busy, unsupported }

    package private(set) var stacks: [Stack: Int] = [:]
    /// The names that the threads had when it began.
    fileprivate var threads: [Int32: String] = [:]
    /// Samples for which there was no room.
    package private(set) var lost = 0

    package var sampleCount: Int { stacks.values.reduce(0, +) }

    /// Nanoseconds of a thread's processor time from one sample to the next. No round number, so
    /// that it does not beat with what happens every millisecond.
    package static let interval = 9_973_000

    private static let wordsMax = 1 << 20
    private static let isRunning = Atomic<Bool>(false)

    /// Samples every thread that there is, until `wait` returns.
    package static func record(
        while wait: () async -> Void
    ) async throws(Failure) -> CPUProfile {
        guard cpu_profile_works() == 1 else { throw .unsupported }
        guard !isRunning.exchange(true, ordering: .acquiring) else { throw .busy }
        defer { isRunning.store(false, ordering: .releasing) }
        guard let buffer = SampleBuffer(wordsMax: wordsMax) else { throw .unsupported }
        await wait()
        return buffer.stop()
    }

    func threadName(of stack: Stack) -> String { threads[stack.thread] ?? "thread" }

    fileprivate mutating func add(_ stack: Stack) { stacks[stack, default: 0] += 1 }

    fileprivate init(lost: Int) { self.lost = lost }
}

/// The memory the signal handler writes to, and the timers that call it.
///
/// Neither is ever given back to the system: a signal that was on its way when the profile ended
/// may still write.
@safe private struct SampleBuffer {
    // One for the process, made at the first profile.
    nonisolated(unsafe) private static let shared: UnsafeMutablePointer<cpu_profile> = {
        let profile = UnsafeMutablePointer<cpu_profile>.allocate(capacity: 1)
        unsafe profile.initialize(to: cpu_profile())
        return unsafe profile
    }()

    private let profile: UnsafeMutablePointer<cpu_profile>
    private var timers: [timer_t?] = unsafe []
    private var threads: [Int32: String] = [:]

    init?(wordsMax: Int) {
        unsafe profile = unsafe Self.shared
        if unsafe profile.pointee.words == nil {
            // Zeroed by the kernel, page by page, as far as it is used.
            let words = unsafe calloc(wordsMax, MemoryLayout<UInt>.stride)
            guard let words = unsafe words else { return nil }
            unsafe profile.pointee.words = words.bindMemory(to: UInt.self, capacity: wordsMax)
            unsafe profile.pointee.capacity = wordsMax
        }
        // A sample that is never finished must not be taken for one of last time.
        for position in unsafe 0..<min(profile.pointee.used, wordsMax) {
            unsafe profile.pointee.words[position] = 0
        }
        unsafe profile.pointee.used = 0
        unsafe profile.pointee.lost = 0
        guard unsafe cpu_profile_begin(profile) == 1 else { return nil }
        for thread in ProcessThread.identifiers {
            var timer: timer_t?
            guard unsafe cpu_profile_watch(thread, CPUProfile.interval, &timer) == 1 else {
                continue
            }
            unsafe timers.append(timer)
            threads[thread] = ProcessThread.name(of: thread)
        }
        guard unsafe !timers.isEmpty else {
            cpu_profile_end()
            return nil
        }
    }

    func stop() -> CPUProfile {
        for index in unsafe timers.indices {
            if let timer = unsafe timers[index] { unsafe timer_delete(timer) }
        }
        cpu_profile_end()
        let words = unsafe profile.pointee.words
        let used = unsafe min(profile.pointee.used, profile.pointee.capacity)
        var result = unsafe CPUProfile(lost: Int(profile.pointee.lost))
        result.threads = threads
        var position = 0
        while position + 2 < used, let words = unsafe words {
            let count = unsafe Int(words[position + 1])
            guard count > 0, position + 2 + count <= used else { break }
            let frames = (0..<count).map { unsafe words[position + 2 + $0] }
            let thread = unsafe Int32(truncatingIfNeeded: words[position])
            result.add(CPUProfile.Stack(thread: thread, frames: frames))
            position += 2 + count
        }
        return result
    }
}
