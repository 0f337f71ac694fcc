// SPDX-License-Identifier: Apache-2.0
import Glibc

/// One of the process's threads, as the kernel sees it (proc(5), /proc/pid/task).
package struct ProcessThread: Sendable {
    package var identifier: Int32
    /// The kernel's, or better where there is one.
    package var name: String
    /// `R` runs, `S` sleeps, `D` waits for a disk.
    package var state: String
    package var processorNanoseconds: UInt64
    package var voluntarySwitches: Int
    package var involuntarySwitches: Int

    package static var all: [ProcessThread] { identifiers.compactMap(ProcessThread.init) }

    package static var identifiers: [Int32] {
        guard let directory = unsafe opendir("/proc/self/task") else { return [] }
        defer { unsafe closedir(directory) }
        var identifiers: [Int32] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if let identifier = Int32(name) { identifiers.append(identifier) }
        }
        return identifiers.sorted()
    }

    static func name(of identifier: Int32) -> String? {
        FileBytes.text("/proc/self/task/\(identifier)/comm").map {
            shown(String($0.prefix { $0 != "\n" }), of: identifier)
        }
    }

    /// The kernel keeps 15 characters, and two kinds of names say less than is known: that of the
    /// process's first thread, which serves as its first loop and cannot be called so without
    /// renaming the process; and libdispatch's, of which only the end is kept
    /// (`com.apple.root.default-qos`).
    static func shown(_ name: String, of identifier: Int32) -> String {
        if identifier == getpid() { return "loop-0" }
        guard name.utf8.count == 15 else { return name }
        if name.hasSuffix("-qos.overcommit") { return "libdispatch overcommit" }
        let quality = qualities.first { "com.apple.root.\($0)-qos".hasSuffix(name) }
        return quality.map { "libdispatch \($0)" } ?? name
    }

    private static let qualities = [
        "maintenance", "background", "utility", "default", "user-initiated", "user-interactive",
    ]

    private init?(_ identifier: Int32) {
        let folder = "/proc/self/task/\(identifier)"
        guard let stat = FileBytes.text("\(folder)/stat"),
            // The name is in parentheses and may contain anything; what follows is counted.
            let nameStart = stat.firstIndex(of: "("), let nameEnd = stat.lastIndex(of: ")")
        else { return nil }
        self.identifier = identifier
        name = Self.shown(String(stat[stat.index(after: nameStart)..<nameEnd]), of: identifier)
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        func number(_ field: Int) -> UInt64 {
            field - 3 < fields.count ? UInt64(fields[field - 3]) ?? 0 : 0
        }
        state = fields.first.map(String.init) ?? "?"
        let ticks = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
        processorNanoseconds = (number(14) + number(15)) * (1_000_000_000 / ticks)
        let status = FileBytes.text("\(folder)/status") ?? ""
        func switches(_ key: String) -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(key) }
            return line?.split(separator: "\t").last.flatMap { Int($0) } ?? 0
        }
        voluntarySwitches = switches("voluntary_ctxt_switches")
        involuntarySwitches = switches("nonvoluntary_ctxt_switches")
    }
}

/// Files, whole.
enum FileBytes {
    static func read(_ path: String, bytesMax: Int = 1 << 30) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < bytesMax {
            let count = unsafe Glibc.read(descriptor, &room, room.count)
            guard count > 0 else { return count == 0 ? bytes : nil }
            bytes += room[..<count]
        }
        return nil
    }

    static func text(_ path: String) -> String? {
        read(path).map { String(decoding: $0, as: UTF8.self) }
    }
}
