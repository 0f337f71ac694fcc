// SPDX-License-Identifier: Apache-2.0
import CLibpq

/// PostgreSQL's own refusal, as it sent it (protocol §55.8). The message is the server's and may
/// quote data: what of it a caller sees is decided in the layers above.
package struct ServerError: Error, Equatable, Sendable {
    package var sqlState: String
    package var message: String
    package var detail: String?
    package var hint: String?
    /// The C function that raised it: tells apart errors that share a code.
    package var routine: String?
    /// The character of the statement it is about, counted from 1.
    package var position: Int?

    package init(
        sqlState: String,
        message: String,
        detail: String? = nil,
        hint: String? = nil,
        routine: String? = nil
    ) {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
        self.routine = routine
    }

    /// A text that PostgreSQL's cannot be, in its own words: refused before anything is sent.
    static let nulByte = ServerError(
        sqlState: "22021",
        message: "invalid byte sequence for encoding \"UTF8\": 0x00"
    )

    /// PostgreSQL's answer to a request to cancel.
    static let cancelled = ServerError(
        sqlState: "57014",
        message: "canceling statement due to user request"
    )

    var isCancellation: Bool { sqlState == Self.cancelled.sqlState }

    init(_ result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            let number = Int32(code.asciiValue ?? 0)
            return unsafe PQresultErrorField(result, number).map { unsafe String(cString: $0) }
        }
        self.init(
            sqlState: field("C") ?? "XX000",
            message: field("M") ?? "the server gave no reason",
            detail: field("D"),
            hint: field("H"),
            routine: field("R")
        )
        position = field("P").flatMap { Int($0) }
    }
}

/// Why statements have no results.
package enum PostgresFailure: Error, Equatable, Sendable {
    case server(ServerError)
    /// The connection broke under the statement: what it did is unknown.
    case connectionLost(String)
    /// No connection can be made now.
    case unavailable(String)
    /// Every connection is in use and as many callers wait as may.
    case exhausted
    /// No connection became free in time.
    case acquireTimedOut
    /// The statement's time was up; it was cancelled.
    case deadlinePassed
    /// The pool is closed.
    case closed
}

extension ServerError {
    /// The table changed under a prepared statement, or a pooler switched servers: preparing
    /// again cures both, and the statement has had no effect.
    package var isStalePlan: Bool {
        (sqlState == "0A000" && routine == "RevalidateCachedQuery") || sqlState == "26000"
    }
}
