// SPDX-License-Identifier: Apache-2.0

private let chosen = PromQL.board

extension Board {
    static let runtime = Board(
        name: "runtime",
        title: "Runtime and process",
        description: "CPU, memory, descriptors, event loops, threads and pressure.",
        panels: identity + resources + work
    )

    private static let identity: [Panel] = [
        .stat(
            "Uptime",
            "Time since start.",
            .seconds,
            width: 6,
            .init("time() - \(chosen.series("process_start_time_seconds"))", "{{instance}}")
        ),
        .stat(
            "Build",
            "Version and revision; environment and fingerprint of the configuration.",
            .none,
            width: 6,
            .init(chosen.series("lucarne_build_info"), "{{instance}} {{version}} {{revision}}"),
            .init(
                chosen.series("lucarne_config_info"),
                "{{instance}} {{environment}} {{fingerprint}}"
            )
        ).named(),
        .stat(
            "Start phases",
            "Time each start phase took.",
            .seconds,
            width: 6,
            .init(chosen.series("lucarne_startup_phase_seconds"), "{{instance}} {{phase}}")
        ),
        .stat(
            "Last reload",
            "Whether the last reload of the settings and that of the catalog succeeded.",
            .yesNo,
            width: 6,
            .init(chosen.series("lucarne_config_last_reload_success"), "{{instance}}")
        ).colored(.red, (1, .green)),
    ]

    private static let resources: [Panel] = [
        .graph(
            "CPU",
            "Cores used, cores usable, and time throttled, summed over run queues.",
            .number,
            .init(chosen.rate("process_cpu_seconds_total", by: "instance"), "{{instance}}"),
            .init(chosen.max("lucarne_cpu_cores", by: "instance"), "{{instance}} usable"),
            .init(
                chosen.rate("lucarne_cgroup_cpu_throttled_seconds_total", by: "instance"),
                "{{instance}} throttled"
            )
        ),
        .graph(
            "CPU throttling",
            "Share of the periods of the container's CPU limit in which it had to stop; 0 without one.",
            .ratio,
            .init(
                chosen.rate("lucarne_cgroup_cpu_throttled_periods_total", by: "instance")
                    + " / clamp_min("
                    + chosen.rate("lucarne_cgroup_cpu_periods_total", by: "instance") + ", 0.001)",
                "{{instance}}"
            )
        ),
        .graph(
            "Memory",
            "Resident, allocated, the container's limit, and virtual memory where it has one.",
            .bytes,
            .init(chosen.series("process_resident_memory_bytes"), "{{instance}} resident"),
            .init(chosen.series("lucarne_malloc_allocated_bytes"), "{{instance}} allocated"),
            .init(chosen.series("lucarne_cgroup_memory_limit_bytes"), "{{instance}} limit"),
            .init(
                chosen.series("process_virtual_memory_bytes") + " < "
                    + chosen.series("process_virtual_memory_max_bytes"),
                "{{instance}} virtual"
            )
        ),
        .graph(
            "File descriptors",
            "Open, and how many there may be.",
            .number,
            .init(chosen.series("process_open_fds"), "{{instance}} open"),
            .init(chosen.series("process_max_fds"), "{{instance}} limit")
        ),
        .graph(
            "Network",
            "All interfaces of the network namespace.",
            .bytesPerSecond,
            .init(
                chosen.rate("process_network_receive_bytes_total", by: "instance"),
                "{{instance}} in"
            ),
            .init(
                chosen.rate("process_network_transmit_bytes_total", by: "instance"),
                "{{instance}} out"
            )
        ),
        .graph(
            "Pressure",
            "Share of time in which some task waited for the resource.",
            .ratio,
            .init(
                chosen.maxRate("lucarne_pressure_waiting_seconds_total", by: "instance, resource"),
                "{{instance}} {{resource}}"
            )
        ),
    ]

    private static let work: [Panel] = [
        .graph(
            "Event loop utilisation",
            "Busy share of each loop.",
            .ratio,
            .init(
                chosen.rate("lucarne_event_loop_busy_seconds_total", by: "instance, loop"),
                "{{instance}} {{loop}}"
            )
        ),
        .graph(
            "Threads and worker queues",
            "Threads of the process; work that waits for one.",
            .number,
            .init(chosen.series("process_threads"), "{{instance}} threads"),
            .init(chosen.sum("lucarne_worker_queue_length", by: "queue"), "waiting: {{queue}}")
        ),
        .graph(
            "Worker wait p99",
            "Time work waited for a thread.",
            .seconds,
            .init(
                chosen.quantile("0.99", "lucarne_worker_queue_wait_seconds", by: "queue"),
                "{{queue}}"
            )
        ),
        .graph(
            "Health check time",
            "p99 duration of each check.",
            .seconds,
            .init(
                chosen.quantile("0.99", "lucarne_health_check_duration_seconds", by: "check"),
                "{{check}}"
            )
        ),
    ]
}
