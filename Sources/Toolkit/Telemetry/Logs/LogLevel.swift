// SPDX-License-Identifier: Apache-2.0

/// How much a record matters. The order is the order of severity.
package enum LogLevel: UInt8, CaseIterable, Comparable, Sendable {
    case trace, debug, info, notice, warning, error, critical

    package var label: StaticString {
        switch self {
        case .trace: "trace"
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        case .critical: "critical"
        }
    }

    /// OpenTelemetry's severity number (logs data model, "Severity fields").
    package var severityNumber: Int {
        switch self {
        case .trace: 1
        case .debug: 5
        case .info: 9
        case .notice: 10
        case .warning: 13
        case .error: 17
        case .critical: 21
        }
    }

    package init?(label: String) {
        guard let level = Self.allCases.first(where: { $0.label.text == label }) else { return nil }
        self = level
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Who speaks: `logger` in a record, and the unit whose level can be changed at run time.
package enum LogModule: UInt8, CaseIterable, Sendable {
    case app, http, auth, rest, sql, pool, loop, operations

    package var label: StaticString {
        switch self {
        case .app: "app"
        case .http: "http"
        case .auth: "auth"
        case .rest: "rest"
        case .sql: "sql"
        case .pool: "pool"
        case .loop: "loop"
        case .operations: "operations"
        }
    }

    package init?(label: String) {
        guard let module = Self.allCases.first(where: { $0.label.text == label }) else {
            return nil
        }
        self = module
    }
}

extension StaticString {
    package var text: String { "\(self)" }
}
