// SPDX-License-Identifier: Apache-2.0
import EventLoop
import Glibc
import HTTPServer
import PostgresClient
import Rest
import Telemetry

extension Serving {
    /// TERM and INT drain, a second one drains at once; USR1 reads the catalog anew, USR2 the
    /// settings, of files and of the database, as PostgREST's users know it, and HUP both.
    /// True when it has drained.
    func obeySignals(_ rest: RestServing, _ servers: [Server]) async -> Bool {
        guard
            let signals = try? Signals(
                [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2],
                on: group.loops[0]
            )
        else { return false }
        return await withTaskCancellationHandler {
            while let signal = await signals.next() {
                switch signal {
                case SIGUSR1: rest.requestReload(.catalog)
                case SIGUSR2: rest.requestReload(.settings)
                case SIGHUP: rest.requestReload(.everything)
                default:
                    await drain(servers, until: signals)
                    return true
                }
            }
            return false
        } onCancel: {
            group.loops[0].perform { signals.close() }
        }
    }

    /// Readiness turns first, so that no new traffic is sent here, and each answer is its connection's
    /// last; then nothing new is accepted; then what is in flight may finish.
    private func drain(_ servers: [Server], until signals: Signals) async {
        let isStarting = telemetry.health.lifecycle == .starting
        telemetry.health.learn(.stopRequested)
        for server in servers { server.announceDrain() }
        if isStarting {
            // Nobody has been sent here.
            telemetry.report(.startAbandoned)
            interruption.request()
            signals.close()
        } else {
            await outwaitDelay(until: signals)
        }
        // The operations listener goes last: whoever watches sees the drain to its end, which is one
        // for all: whoever kills those that stay too long counts from the signal.
        let end = ContinuousClock.now + configuration.drainTimeout
        for server in servers {
            await server.finishDrain(within: max(.zero, ContinuousClock.now.duration(to: end)))
        }
        await closePools()
    }

    /// Closes the signals: what waits for the next one heeds nothing else.
    private func outwaitDelay(until signals: Signals) async {
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask(executorPreference: group.loops[0]) {
                try? await Task.sleep(for: configuration.drainDelay)
            }
            tasks.addTask(executorPreference: group.loops[0]) {
                while let signal = await signals.next(), ![SIGTERM, SIGINT].contains(signal) {}
            }
            await tasks.next()
            signals.close()
            tasks.cancelAll()
        }
    }

    /// What was cut off has been asked to end: nobody waits long for a database that does not.
    private func closePools() async {
        await withTaskGroup(of: Void.self) { tasks in
            for pool in pools {
                tasks.addTask(executorPreference: pool.loop) {
                    for _ in 0..<100 where pool.counts.used > 0 {
                        try? await pool.loop.sleep(nanoseconds: 10_000_000)
                    }
                    pool.close()
                }
            }
        }
    }
}
