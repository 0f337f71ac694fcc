// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The process as the kernel sees it, and what was built and configured. Read at each scrape.
struct ProcessMetrics: MetricSet {
    let startup: [Gauge]
    let reloads: ReloadStanding
    let configuration: InfoFamily
    private let build: InfoFamily
    private let cpu: Counter
    private let gauges: [(gauge: Gauge, read: @Sendable (ProcessReading) -> Int)]
    private let counters: [(counter: Counter, read: @Sendable (ProcessReading) -> UInt64)]
    private let network: NetworkMetrics

    init(_ registry: MetricRegistry) {
        build = InfoFamily(
            registry,
            "lucarne_build_info",
            "Build and environment.",
            labels: ["version", "revision", "swift_version", "postgres_server"]
        )
        configuration = InfoFamily(
            registry,
            "lucarne_config_info",
            "Hash of the effective configuration (no values).",
            labels: ["fingerprint", "environment"]
        )
        reloads = ReloadStanding(
            registry.gauge(
                "lucarne_config_last_reload_success",
                "1 when the last reload of the settings and that of the catalog succeeded.",
                layer: "process"
            )()
        )
        let startup = registry.gauge(
            "lucarne_startup_phase_seconds",
            "Time each start phase took.",
            unit: .seconds,
            labels: [MetricLabel("phase", ProcessEvent.StartupPhase.self)],
            layer: "process"
        )
        self.startup = ProcessEvent.StartupPhase.allCases.map { startup($0.rawValue) }
        cpu =
            registry.counter(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                unit: .seconds,
                layer: "process"
            )()
        gauges = Self.gauges.map { declaration in
            let family = registry.gauge(
                declaration.name,
                declaration.help,
                unit: declaration.unit,
                layer: declaration.layer
            )
            return (family(), declaration.read)
        }
        network = NetworkMetrics(registry)
        counters = Self.counters(registry)
    }

    func observe(_ registry: MetricRegistry, _ identity: ServiceIdentity) {
        setBuild(identity, postgres: "unknown")
        configuration.set("unknown", identity.environment)
        registry.refresh { [self] in
            let reading = ProcessReading()
            cpu.set(reading.cpuNanoseconds)
            for (gauge, read) in gauges { gauge.set(read(reading)) }
            for (counter, read) in counters { counter.set(read(reading)) }
            network.refresh()
        }
    }

    func setBuild(_ identity: ServiceIdentity, postgres: String) {
        build.set(identity.version, identity.revision, ServiceIdentity.swiftVersion, postgres)
    }

    private struct GaugeDeclaration {
        var name: String
        var help: String
        var unit = MetricDescription.Unit.none
        var layer = "process"
        var read: @Sendable (ProcessReading) -> Int
    }

    private static let gauges: [GaugeDeclaration] = [
        GaugeDeclaration(
            name: "process_open_fds",
            help: "Number of open file descriptors.",
            read: { $0.openDescriptors }
        ),
        GaugeDeclaration(
            name: "process_max_fds",
            help: "Maximum number of open file descriptors.",
            read: { $0.descriptorsMax }
        ),
        GaugeDeclaration(
            name: "process_virtual_memory_bytes",
            help: "Virtual memory size in bytes.",
            unit: .bytes,
            read: { $0.virtualBytes }
        ),
        GaugeDeclaration(
            name: "process_virtual_memory_max_bytes",
            help: "Maximum amount of virtual memory available in bytes.",
            unit: .bytes,
            read: { $0.virtualBytesMax }
        ),
        GaugeDeclaration(
            name: "process_resident_memory_bytes",
            help: "Resident memory size in bytes.",
            unit: .bytes,
            read: { $0.residentBytes }
        ),
        GaugeDeclaration(
            name: "process_start_time_seconds",
            help: "Start time of the process since unix epoch in seconds.",
            unit: .seconds,
            read: { $0.startedAtWall }
        ),
        GaugeDeclaration(
            name: "process_threads",
            help: "Number of OS threads in the process.",
            read: { $0.threads }
        ),
        GaugeDeclaration(
            name: "lucarne_cgroup_memory_limit_bytes",
            help: "Container memory limit, 0 when none.",
            unit: .bytes,
            read: { $0.controlGroups.memoryBytesMax }
        ),
        GaugeDeclaration(
            name: "lucarne_cpu_cores",
            help: "Usable CPU cores.",
            read: { $0.cores }
        ),
        GaugeDeclaration(
            name: "lucarne_malloc_allocated_bytes",
            help: "Bytes allocated by the C allocator (mallinfo2).",
            unit: .bytes,
            layer: "runtime",
            read: { $0.allocatedBytes }
        ),
    ]

    private static func counters(
        _ registry: MetricRegistry
    ) -> [(Counter, @Sendable (ProcessReading) -> UInt64)] {
        let throttled = registry.counter(
            "lucarne_cgroup_cpu_throttled_seconds_total",
            "Time the container was CPU throttled, summed over its run queues.",
            unit: .seconds,
            layer: "process"
        )
        let periods = registry.counter(
            "lucarne_cgroup_cpu_periods_total",
            "Periods in which the container's CPU limit was enforced; 0 without one.",
            layer: "process"
        )
        let throttledPeriods = registry.counter(
            "lucarne_cgroup_cpu_throttled_periods_total",
            "Periods of those in which the container was CPU throttled.",
            layer: "process"
        )
        let pressure = registry.counter(
            "lucarne_pressure_waiting_seconds_total",
            "PSI some time (Linux /proc/pressure).",
            unit: .seconds,
            labels: [MetricLabel("resource", ["cpu", "memory", "io"])],
            layer: "process"
        )
        return [
            (throttled(), { $0.controlGroups.cpu.throttledNanoseconds }),
            (periods(), { $0.controlGroups.cpu.periods }),
            (throttledPeriods(), { $0.controlGroups.cpu.throttledPeriods }),
            (pressure("cpu"), { $0.pressure("cpu") }),
            (pressure("memory"), { $0.pressure("memory") }),
            (pressure("io"), { $0.pressure("io") }),
        ]
    }
}

/// What the network carried.
private final class NetworkMetrics: Sendable {
    private let received: Counter
    private let sent: Counter
    private let totals = Mutex(NetworkTotals())

    init(_ registry: MetricRegistry) {
        received =
            registry.counter(
                "process_network_receive_bytes_total",
                "Bytes received, all interfaces of the network namespace.",
                unit: .bytes,
                layer: "process"
            )()
        sent =
            registry.counter(
                "process_network_transmit_bytes_total",
                "Bytes sent, all interfaces of the network namespace.",
                unit: .bytes,
                layer: "process"
            )()
    }

    func refresh() {
        totals.withLock { totals in
            totals.read()
            received.set(totals.received)
            sent.set(totals.sent)
        }
    }
}

/// What could not be read anew: one that can be does not mend another.
final class ReloadStanding: Sendable {
    enum Subject { case settings, catalog }

    private let gauge: Gauge
    private let failed = Mutex<Set<Subject>>([])

    init(_ gauge: Gauge) {
        self.gauge = gauge
        gauge.set(1)
    }

    func learn(_ subject: Subject, isWell: Bool) {
        failed.withLock { failed in
            if isWell { failed.remove(subject) } else { failed.insert(subject) }
            gauge.set(failed.isEmpty ? 1 : 0)
        }
    }
}

/// A family whose one series says something by its labels. What it says may change.
struct InfoFamily: Sendable {
    private let family: MetricFamily

    init(_ registry: MetricRegistry, _ name: String, _ help: String, labels: [MetricLabel]) {
        family =
            registry.gauge(name, help, kind: .info, labels: labels, layer: "process").family
    }

    func set(_ values: String...) { family.replace(with: values) }
}

extension ServiceIdentity {
    package static var swiftVersion: String {
        #if compiler(>=6.4)
        "6.4 or later"
        #elseif compiler(>=6.3)
        "6.3"
        #else
        "6.2"
        #endif
    }
}
