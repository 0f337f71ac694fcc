// SPDX-License-Identifier: Apache-2.0

/// The layers a request passes. Closed on purpose: a dashboard has one row per case.
package enum Layer: UInt8, CaseIterable, Sendable {
    case parse, middleware, rateLimit, auth, validate, controller, service, poolWait, sql
    case serialize, write

    /// The name in metrics, logs, spans and `Server-Timing`.
    package var label: StaticString {
        switch self {
        case .parse: "parse"
        case .middleware: "middleware"
        case .rateLimit: "ratelimit"
        case .auth: "auth"
        case .validate: "validate"
        case .controller: "controller"
        case .service: "service"
        case .poolWait: "pool_wait"
        case .sql: "sql"
        case .serialize: "serialize"
        case .write: "write"
        }
    }

    static let count = 11
}
