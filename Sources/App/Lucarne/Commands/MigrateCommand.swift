// SPDX-License-Identifier: Apache-2.0
internal import EventLoop
internal import Glibc

/// `lucarne migrate`: applies, or with `--check` only counts.
enum MigrateCommand {
    static func run(_ configuration: Configuration, isCheck: Bool) -> Int32 {
        var configuration = configuration
        if configuration.database.url == nil {
            // Somebody may be serving from the same directory right now.
            let directory = configuration.dataDirectory
            configuration.database.url = EmbeddedPostgres.runningConnection(in: directory)
        }
        do throws(StartFailure) {
            return isCheck ? try check(configuration) : try apply(configuration)
        } catch {
            Terminal.complain("\(error)")
            return ExitCode.failure
        }
    }

    private static func apply(_ configuration: Configuration) throws(StartFailure) -> Int32 {
        var configuration = configuration
        configuration.database.migratesOnStart = true
        // PostgreSQL would go on with a statement, and its locks, that nobody waits for any more.
        Signals.block([SIGTERM, SIGINT])
        let interruption = StartInterruption(by: [SIGTERM, SIGINT])
        defer { interruption.finish() }
        let database = try PreparedDatabase.prepare(
            configuration,
            interruption: interruption
        ) { event in
            if case .migrated(let name, _) = event { Terminal.writeLine("applied \(name)") }
        }
        database.embedded?.stop()
        if database.applied.isEmpty { Terminal.writeLine("nothing to apply") }
        return ExitCode.success
    }

    private static func check(_ configuration: Configuration) throws(StartFailure) -> Int32 {
        let pending = try PreparedDatabase.pending(configuration)
        for name in pending { Terminal.writeLine("pending \(name)") }
        if pending.isEmpty { Terminal.writeLine("nothing is pending") }
        return pending.isEmpty ? ExitCode.success : ExitCode.failure
    }
}
