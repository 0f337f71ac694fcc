// SPDX-License-Identifier: Apache-2.0
package import Telemetry

extension EmbeddedEvent {
    /// Writes what happened into our own log.
    package func write(to logs: LogPipeline) {
        switch self {
        case .initialised:
            logs.write(.info, .sql, "embedded PostgreSQL initialised")
        case .started:
            logs.write(.info, .sql, "embedded PostgreSQL started")
        case .line(let severity, let message):
            logs.write(Self.level(of: severity), .sql, "embedded PostgreSQL says") { record in
                record.field("postgres.severity", severity)
                record.field("postgres.message", message)
            }
        case .ended(let exitCode, let pause):
            logs.write(.error, .sql, "embedded PostgreSQL ended, and is started again") { record in
                record.field("process.exit.code", Int(exitCode))
                record.field("restart_ms", pause)
            }
        case .stopped:
            logs.write(.info, .sql, "embedded PostgreSQL stopped")
        }
    }

    /// Its ERROR is a statement's, which whoever sent it hears of; ours to worry about begin later.
    static func level(of severity: String) -> LogLevel {
        switch severity {
        case "PANIC": .critical
        case "FATAL": .warning
        case "WARNING": .warning
        default: .debug
        }
    }
}
