// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// One look at /proc and /sys. What cannot be read is 0.
struct ProcessReading: Sendable {
    private let stat: [Substring]
    let controlGroups = ControlGroups()

    init() {
        // The command name is in parentheses and may contain anything, spaces included
        // (proc(5), /proc/pid/stat); the fields are counted from behind it.
        let text = ProcFile.text("/proc/self/stat")
        let fields = text.lastIndex(of: ")").map { text[text.index(after: $0)...] } ?? ""
        stat = fields.split(separator: " ")
    }

    /// Field numbers as in proc(5); the first after the name is 3.
    private func stat(_ number: Int) -> Int {
        let index = number - 3
        return index < stat.count ? Int(stat[index]) ?? 0 : 0
    }

    var threads: Int { stat(20) }
    var virtualBytes: Int { stat(23) }
    var residentBytes: Int { stat(24) * Int(sysconf(Int32(_SC_PAGESIZE))) }

    /// Nanoseconds since 1970.
    var startedAtWall: Int {
        let ticks = max(1, sysconf(Int32(_SC_CLK_TCK)))
        let boot =
            ProcFile.text("/proc/stat").split(separator: "\n")
            .first { $0.hasPrefix("btime ") }
            .flatMap { Int($0.dropFirst(6)) } ?? 0
        return boot * 1_000_000_000 + stat(22) * (1_000_000_000 / ticks)
    }

    var cpuNanoseconds: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    var openDescriptors: Int {
        guard let directory = unsafe opendir("/proc/self/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count = 0
        while let entry = unsafe readdir(directory) {
            if unsafe entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        // Not the one that looks.
        return max(0, count - 1)
    }

    var descriptorsMax: Int { Self.limit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue)) }
    var virtualBytesMax: Int { Self.limit(__rlimit_resource_t(RLIMIT_AS.rawValue)) }
    var allocatedBytes: Int { Int(mallinfo2().uordblks) }

    var cores: Int {
        // `Cpus_allowed: f,ffffffff`: a mask in hexadecimal, in groups.
        let line = ProcFile.text("/proc/self/status").split(separator: "\n")
            .first { $0.hasPrefix("Cpus_allowed:") }
        return (line ?? "").dropFirst(13).reduce(0) {
            $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0)
        }
    }

    /// `some … total=<microseconds>` (kernel documentation, accounting/psi).
    func pressure(_ resource: String) -> UInt64 {
        let some = ProcFile.text("/proc/pressure/\(resource)").split(separator: "\n").first
        let total = some?.split(separator: " ").first { $0.hasPrefix("total=") }
        return (total.flatMap { UInt64($0.dropFirst(6)) } ?? 0) * 1_000
    }

    private static func limit(_ resource: __rlimit_resource_t) -> Int {
        var limits = rlimit()
        guard unsafe getrlimit(resource, &limits) == 0 else { return 0 }
        return Int(clamping: limits.rlim_cur)
    }
}

/// What all interfaces have carried (proc(5), /proc/net/dev). One that is gone takes its count with
/// it: the total keeps it.
struct NetworkTotals {
    private struct Bytes {
        var received: UInt64 = 0
        var sent: UInt64 = 0
    }

    private var total = Bytes()
    private var interfaces: [Substring: Bytes] = [:]

    var received: UInt64 { total.received }
    var sent: UInt64 { total.sent }

    mutating func read(_ text: String = ProcFile.text("/proc/self/net/dev")) {
        var seen: [Substring: Bytes] = [:]
        for line in text.split(separator: "\n").dropFirst(2) {
            let fields = line.split { $0 == " " || $0 == ":" }
            guard fields.count > 9 else { continue }
            let bytes = Bytes(received: UInt64(fields[1]) ?? 0, sent: UInt64(fields[9]) ?? 0)
            let before = interfaces[fields[0]] ?? Bytes()
            total.received &+= Self.growth(from: before.received, to: bytes.received)
            total.sent &+= Self.growth(from: before.sent, to: bytes.sent)
            seen[fields[0]] = bytes
        }
        interfaces = seen
    }

    /// One that has been made anew counts from 0.
    private static func growth(from before: UInt64, to now: UInt64) -> UInt64 {
        now >= before ? now - before : now
    }
}

/// What the container may use: as version 2 of the control groups says, or version 1 for what is
/// in a hierarchy of its own there (cgroups(7)). All 0 without a limit.
struct ControlGroups {
    let memoryBytesMax: Int
    let cpu: CPUAccount

    init(read: (_ path: String) -> String = ProcFile.text) {
        // `0::/path` in version 2, `2:cpu,cpuacct:/path` in version 1.
        var paths: [Substring: Substring] = [:]
        for line in read("/proc/self/cgroup").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for name in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                paths[name] = parts[2]
            }
        }
        func file(_ name: String, _ controller: Substring, _ nameInFirst: String) -> String {
            let root = "/sys/fs/cgroup"
            guard let path = paths[controller] else {
                return read("\(root)\(paths[""] ?? "")/\(name)")
            }
            // Inside a container the path may be the host's, whose folder is not there.
            let own = read("\(root)/\(controller)\(path)/\(nameInFirst)")
            return own.isEmpty ? read("\(root)/\(controller)/\(nameInFirst)") : own
        }
        let limit = file("memory.max", "memory", "memory.limit_in_bytes")
        let bytes = Int(limit.trimmingLine()) ?? 0
        // Version 1 says no limit with the largest number of whole pages.
        memoryBytesMax = bytes < 1 << 60 ? bytes : 0
        cpu = CPUAccount(file("cpu.stat", "cpu", "cpu.stat"))
    }
}

/// What the container may use of the processors, and how often it had to stop: `cpu.stat` (kernel
/// documentation, admin-guide/cgroup-v2 and scheduler/sched-bwc). All 0 without a limit.
struct CPUAccount: Equatable {
    private(set) var periods: UInt64 = 0
    private(set) var throttledPeriods: UInt64 = 0
    /// Summed over the processors' run queues: it may grow by more than a second in a second.
    private(set) var throttledNanoseconds: UInt64 = 0

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, let value = UInt64(words[1]) else { continue }
            switch words[0] {
            case "nr_periods": periods = value
            case "nr_throttled": throttledPeriods = value
            case "throttled_usec": throttledNanoseconds = value &* 1_000
            case "throttled_time": throttledNanoseconds = value
            default: break
            }
        }
    }
}

/// Small files of the kernel's.
private enum ProcFile {
    static func text(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { _ = close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count < 1 << 20 {
            let count = unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 8_192) {
                let count = unsafe read(descriptor, $0.baseAddress, $0.count)
                if count > 0 { unsafe bytes.append(contentsOf: $0[..<count]) }
                return count
            }
            guard count > 0 else { break }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension String {
    fileprivate func trimmingLine() -> Substring { prefix { $0 != "\n" } }
}
