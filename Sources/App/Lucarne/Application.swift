// SPDX-License-Identifier: Apache-2.0
import CLinux
import EventLoop
import Glibc
import Synchronization
import Telemetry

/// The composition root: what `lucarne serve` starts, and stops again.
package enum Application {
    /// Until `serve`, who is told to stop just ends: as process 1 as well, for which the kernel drops
    /// signals without a handler. What else `serve` listens to waits for it. Call it first.
    package static func heedSignals() {
        Signals.block([SIGHUP, SIGUSR1, SIGUSR2])
        for number in [SIGTERM, SIGINT] { _ = signal(number) { _ in _exit(ExitCode.success) } }
    }

    /// Serves until a signal ends it; the result is the process's exit code. `startedAt`: when
    /// reading the configuration began. `reread` reads it anew, for what may change while the
    /// process runs.
    package static func serve(
        _ configuration: Configuration,
        startedAt: UInt64,
        reread: @escaping ConfigurationReading
    ) -> Int32 {
        // Before any thread is started, so that each inherits the mask and only loops see them.
        Signals.block([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2])
        allowDescriptors()
        var measured = configuration.telemetry
        measured.identity.instanceID = instanceID
        if measured.log.tailPath != nil {
            try? Files.makeDirectory(configuration.dataDirectory, mode: 0o755)
        }
        let telemetry = Telemetry(measured)
        defer { telemetry.close() }
        telemetry.report(.startup(.config, nanoseconds: uptimeNanoseconds() &- startedAt))
        telemetry.report(
            .configuration(
                fingerprint: configuration.fingerprint,
                environment: configuration.environment.rawValue
            )
        )
        do throws(StartFailure) {
            try run(configuration, reread, telemetry)
            return ExitCode.success
        } catch {
            telemetry.report(.startFailed(error.description))
            Terminal.complain(error.description)
            return ExitCode.failure
        }
    }

    /// Tells processes apart that share a log or a scrape: host and process id.
    private static var instanceID: String {
        var name = InlineArray<256, CChar>(repeating: 0)
        var span = name.mutableSpan
        let host = unsafe span.withUnsafeMutableBufferPointer { buffer -> String in
            guard let start = buffer.baseAddress,
                unsafe gethostname(start, buffer.count - 1) == 0
            else { return "localhost" }
            return unsafe String(cString: start)
        }
        return "\(host):\(getpid())"
    }

    // Shells and service managers start processes with a soft limit of 1024 for the sake of
    // select(2), which nothing here uses; a connection is a descriptor.
    private static func allowDescriptors() {
        let descriptors = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard unsafe getrlimit(descriptors, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(descriptors, &limit)
    }

    private static func run(
        _ configuration: Configuration,
        _ reread: @escaping ConfigurationReading,
        _ telemetry: Telemetry
    ) throws(StartFailure) {
        let group = try loops(configuration, telemetry)
        let outcome = Mutex<Result<Void, StartFailure>>(.success(()))
        let embedded = Mutex<EmbeddedPostgres?>(nil)
        defer { embedded.withLock { $0 }?.stop() }
        let interruption = StartInterruption()
        let serving = Serving(configuration, reread, telemetry, group, interruption)
        group.start { Shard.bind(index: $0) }
        Task(executorPreference: group.loops[0]) {
            do throws(StartFailure) {
                try await serving.run { () throws(StartFailure) in
                    let database = try PreparedDatabase.prepare(
                        configuration,
                        interruption: interruption
                    ) { telemetry.report($0) }
                    embedded.withLock { $0 = database.embedded }
                    telemetry.report(.startup(.database, nanoseconds: database.took.start))
                    telemetry.report(.startup(.migrations, nanoseconds: database.took.migrations))
                }
            } catch {
                outcome.withLock { $0 = .failure(error) }
            }
            group.stop()
        }
        // The main thread is the first loop.
        group.loops[0].run()
        try outcome.withLock { $0 }.get()
    }

    private static func loops(
        _ configuration: Configuration,
        _ telemetry: Telemetry
    ) throws(StartFailure) -> EventLoopGroup {
        do throws(SocketError) {
            let group = try EventLoopGroup(count: configuration.loopCount)
            for loop in group.loops {
                loop.observe = { telemetry.report(LoopEvent.turned(busyNanoseconds: $0)) }
                loop.observeBeat = { telemetry.report(LoopEvent.beat(lateNanoseconds: $0)) }
            }
            return group
        } catch {
            throw StartFailure("cannot make an event loop: \(error)")
        }
    }
}
