// SPDX-License-Identifier: Apache-2.0
package import LucarneCore
package import PostgresClient

extension Problem {
    /// The one place where PostgreSQL's refusals, and its absence, become problems.
    package init(_ failure: PostgresFailure) {
        switch failure {
        case .server(let error):
            self.init(
                Kind(sqlState: error.sqlState),
                code: error.sqlState,
                error.message,
                details: error.detail,
                hint: error.hint
            )
        // Reasons name hosts and users: they go to the log, not to the caller.
        case .unavailable:
            self.init(
                .unavailable,
                code: "PGRST000",
                "Database connection error.",
                retryAfter: 1
            )
        case .connectionLost:
            self.init(
                .unavailable,
                code: "PGRST001",
                "Database client error. Retrying the connection.",
                retryAfter: 1
            )
        case .exhausted:
            self.init(
                .overloaded,
                code: "POOL_EXHAUSTED",
                "Every database connection is in use and the queue for them is full.",
                retryAfter: 1
            )
        case .acquireTimedOut:
            self.init(
                .timedOut,
                code: "PGRST003",
                "Timed out acquiring connection from connection pool."
            )
        case .deadlinePassed:
            self.init(
                .timedOut,
                code: "57014",
                "The statement was cancelled: the request's time was up."
            )
        case .closed:
            self.init(.unavailable, code: "PGRST000", "The server is stopping.", retryAfter: 1)
        }
    }
}

extension Problem {
    /// The pool had none to lend; whether there is a database is another question.
    package var isForLackOfSessions: Bool {
        [PostgresFailure.exhausted, .acquireTimedOut].contains { Problem($0).code == code }
    }
}

extension Problem.Kind {
    /// By the SQLSTATE's class, and by its code where a class mixes kinds
    /// (PostgreSQL, appendix A).
    package init(sqlState: String) {
        switch sqlState {
        case "23503", "23505", "23P01", "40001", "40P01": self = .conflict
        case "25006": self = .methodNotAllowed
        case "42501": self = .forbidden
        case "42883", "42P01": self = .notFound
        case "57014": self = .timedOut
        default: self.init(class: sqlState.prefix(2))
        }
    }

    private init(class: Substring) {
        switch `class` {
        case "22", "23", "42", "P0", "44", "2F": self = .invalidInput
        case "28", "0L", "0P": self = .forbidden
        case "54": self = .tooLarge
        case "08", "53", "57", "58": self = .unavailable
        default: self = .internalFailure
        }
    }
}
