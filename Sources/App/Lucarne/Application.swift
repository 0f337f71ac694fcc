// SPDX-License-Identifier: Apache-2.0
import CLinux
import EventLoop
import Glibc
import Synchronization
import Telemetry

/// The composition root: what `lucarne serve` starts, and stops again.
package enum Application {
    /// Serves until a signal ends it; the result is the process's exit code.
    package static func serve(_ configuration: Configuration) -> Int32 {
        // Before any thread is started, so that each inherits the mask and only loops see them.
        Signals.block([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2])
        let telemetry = Telemetry(configuration.telemetry)
        let exitCode = Atomic<Int32>(ExitCode.failure)
        do throws(SocketError) {
            let count = configuration.loops
            let group = try EventLoopGroup(count: count == 0 ? EventLoopGroup.coreCount : count)
            for loop in group.loops {
                loop.observe = { busy, late in
                    let event = LoopEvent(busyNanoseconds: busy, lagNanoseconds: late)
                    telemetry.report(event)
                }
            }
            group.start { Shard.bind(index: $0) }
            let run = ServeRun(configuration, telemetry, group)
            Task(executorPreference: group.loops[0]) {
                do throws(StartFailure) {
                    try await run.serve()
                    exitCode.store(ExitCode.success, ordering: .relaxed)
                } catch {
                    Terminal.complain(error.reason)
                    exitCode.store(error.exitCode, ordering: .relaxed)
                }
                group.loops[0].stop()
            }
            // The main thread is the first loop.
            group.loops[0].run()
        } catch {
            Terminal.complain("\(error)")
        }
        telemetry.logs.close()
        return exitCode.load(ordering: .relaxed)
    }
}

/// Why serving could not begin: one line that says what to mend.
struct StartFailure: Error {
    var reason: String
    var exitCode = ExitCode.failure
}
