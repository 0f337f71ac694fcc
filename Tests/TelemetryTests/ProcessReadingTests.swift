// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Telemetry

struct NetworkTotalsTests {
    private func text(_ interfaces: (name: String, received: Int, sent: Int)...) -> String {
        let head = ["Inter-| Receive | Transmit", " face |bytes packets |bytes packets"]
        let lines = interfaces.map { name, received, sent in
            "\(name):\(received) 2 0 0 0 0 0 0   \(sent) 2 0 0 0"
        }
        return (head + lines).joined(separator: "\n")
    }

    @Test func `what an interface carried is not forgotten when it leaves`() {
        var totals = NetworkTotals()
        func read(_ text: String) -> [UInt64] {
            totals.read(text)
            return [totals.received, totals.sent]
        }
        #expect(read(text(("    lo", 1_000, 1_000), ("veth1", 500, 70))) == [1_500, 1_070])
        #expect(read(text(("    lo", 1_001, 1_002))) == [1_501, 1_072])
        // Of the same name, but another.
        #expect(read(text(("    lo", 1_001, 1_002), (" veth1", 9, 5))) == [1_510, 1_077])
        // Made anew between two looks.
        #expect(read(text(("    lo", 1_001, 1_002), (" veth1", 4, 6))) == [1_514, 1_078])
    }

    @Test func `nothing is read where nothing is to be read`() {
        var totals = NetworkTotals()
        totals.read("")
        totals.read("a\nb\nc: 1 2\nd")
        #expect(totals.received == 0 && totals.sent == 0)
    }
}

struct ControlGroupTests {
    /// Limit, periods, throttled periods, and for how long.
    private func read(_ membership: String, _ files: [String: String]) -> [UInt64] {
        let groups = ControlGroups { path in
            path == "/proc/self/cgroup"
                ? membership
                : files[path.replacing("//", with: "/").replacing("/sys/fs/cgroup/", with: "")]
                    ?? ""
        }
        let cpu = groups.cpu
        return [
            UInt64(groups.memoryBytesMax), cpu.periods, cpu.throttledPeriods,
            cpu.throttledNanoseconds,
        ]
    }

    private let stat = "nr_periods 9\nnr_throttled 4\n"

    @Test(arguments: ["", "/kubepods/pod1"])
    func `the second version tells of all in one folder`(path: String) {
        let folder = String(path.dropFirst()) + (path.isEmpty ? "" : "/")
        let files = [
            folder + "memory.max": "1048576\n",
            folder + "cpu.stat": "usage_usec 7\n" + stat + "throttled_usec 3\n",
        ]
        #expect(read("0::/\(path.dropFirst())\n", files) == [1_048_576, 9, 4, 3_000])
        #expect(read("0::/\(path.dropFirst())\n", [folder + "memory.max": "max\n"])[0] == 0)
    }

    /// With the host's path, as a container sees it, or its own.
    @Test(arguments: ["", "docker/1/"])
    func `the first version has a folder for each controller`(folder: String) {
        let membership = "4:memory:/docker/1\n2:cpu,cpuacct:/docker/1\n1:pids:/\n0::/\n"
        let files = [
            "memory/\(folder)memory.limit_in_bytes": "1048576\n",
            "cpu/\(folder)cpu.stat": stat + "throttled_time 3000\n", "memory.max": "7",
        ]
        #expect(read(membership, files) == [1_048_576, 9, 4, 3_000])
        let none = ["memory/docker/1/memory.limit_in_bytes": "9223372036854771712\n"]
        #expect(read(membership, none) == [0, 0, 0, 0])
    }
}
