// SPDX-License-Identifier: Apache-2.0
import Telemetry

enum StartCheck: String, CaseIterable {
    case configuration, listening
    /// Readiness has a check that is called `database`.
    case database = "database_reached"
    case migrations
}

/// What the composition has to tell that no layer below it knows.
extension Telemetry {
    func listening(on address: String, _ listener: Listener) {
        logs.write(.notice, .app, "listening", event: "server.listening") { record in
            record.field("server.address", address)
            record.field("listener", listener.rawValue)
        }
    }

    func operationsAreOpen(on address: String) {
        logs.write(
            .warning,
            .operations,
            "anybody may look inside: set a token, or a loopback address",
            event: "operations.open"
        ) { record in
            record.field("server.address", address)
        }
    }

    /// What `/startupz` waits for: each passes once, and stays.
    func declareStart() {
        for check in StartCheck.allCases { health.declare(check.rawValue, probe: .startup) }
        passed(.configuration)
    }

    func passed(_ check: StartCheck, _ output: String = "") {
        health.report(check.rawValue, HealthFinding(.pass, output))
    }

    func hasPassed(_ check: StartCheck) -> Bool {
        health.entries.contains { $0.name == check.rawValue && $0.finding.status == .pass }
    }

    func report(_ event: PreparationEvent) {
        switch event {
        case .embedded(let event): report(event)
        case .connected: passed(.database)
        case .migrating(let name):
            let finding = HealthFinding(.fail, "applying \(name)")
            health.report(StartCheck.migrations.rawValue, finding)
            logs.write(.notice, .app, "migration begun", event: "migration.begun") { record in
                record.field("migration", name)
            }
        case .migrated(let name, let nanoseconds):
            logs.write(.notice, .app, "migration applied", event: "migration.applied") { record in
                record.field("migration", name)
                record.field("duration_ms", milliseconds: nanoseconds)
            }
        case .migratedAll: passed(.migrations)
        }
    }

    func report(_ event: EmbeddedEvent) {
        switch event {
        case .initialised: note(.notice, "database initialised")
        case .started: note(.notice, "database started")
        case .stopped: note(.notice, "database stopped")
        case .ended(let exitCode, let pause):
            logs.write(.error, .sql, "database ended", event: "database.ended") { record in
                record.field("exit_code", Int(exitCode))
                record.field("restart_ms", pause)
            }
        case .line(let severity, let message):
            let level: LogLevel =
                switch severity {
                case "PANIC", "FATAL", "ERROR": .error
                case "WARNING": .warning
                default: .debug
                }
            logs.write(level, .sql, "database", event: "database.log") { record in
                record.field("severity", severity)
                record.field("text", message)
            }
        }
    }

    private func note(_ level: LogLevel, _ message: StaticString) {
        logs.write(level, .app, message, event: "database.lifecycle") { _ in }
    }
}
