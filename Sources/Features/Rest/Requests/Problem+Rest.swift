// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import QueryPlanner
import Telemetry

/// What REST itself refuses, in PostgREST's words: clients match on the codes and people read the
/// messages.
extension Problem {
    init(_ failure: PlannerFailure) {
        self.init(
            RestStatus.kind(ofCode: failure.code),
            code: failure.code,
            failure.message,
            details: failure.details,
            hint: failure.hint,
            in: failure.part
        )
    }

    static func functionMethod(_ method: String) -> Problem {
        Problem(
            .methodNotAllowed,
            code: "PGRST101",
            "Cannot use the \(method) method on RPC"
        )
    }

    static func invalidBody(_ message: String) -> Problem {
        Problem(.invalidInput, code: "PGRST102", message, in: .body)
    }

    /// As PostgreSQL says it of the first bytes of `text` (`report_invalid_encoding`).
    static func invalidText(_ text: ArraySlice<UInt8>) -> Problem {
        let length =
            switch text.first ?? 0 {
            case 0xC0..<0xE0: 2
            case 0xE0..<0xF0: 3
            case 0xF0..<0xF8: 4
            default: 1
            }
        let shown = text.prefix(length).map { ($0 < 16 ? " 0x0" : " 0x") + String($0, radix: 16) }
        return Problem(
            .invalidInput,
            code: "22021",
            "invalid byte sequence for encoding \"UTF8\":" + shown.joined(),
            in: .body
        )
    }

    static func outOfBounds(offset: Int, total: Int) -> Problem {
        Problem(
            .rangeNotSatisfiable,
            code: "PGRST103",
            "Requested range not satisfiable",
            details: "An offset of \(offset) was requested, but there are only \(total) rows."
        )
    }

    static func unknownSchema(_ name: String, exposed: [String]) -> Problem {
        Problem(
            .notAcceptable,
            code: "PGRST106",
            "Invalid schema: \(name)",
            hint: "Only the following schemas are exposed: " + exposed.joined(separator: ", "),
            in: .header
        )
    }

    static let responseHeaders = Problem(
        .internalFailure,
        code: "PGRST111",
        "response.headers guc must be a JSON array composed of objects"
            + " with a single key and a string value"
    )

    static let responseStatus = Problem(
        .internalFailure,
        code: "PGRST112",
        "response.status guc must be a valid status code"
    )

    static let upsertKeyMismatch = Problem(
        .invalidInput,
        code: "PGRST115",
        "Payload values do not match URL in primary key column(s)"
    )

    static func notSingular(rows: Int) -> Problem {
        Problem(
            .notAcceptable,
            code: "PGRST116",
            "Cannot coerce the result to a single JSON object",
            details: "The result contains \(rows) rows"
        )
    }

    static func unsupportedMethod(_ method: String) -> Problem {
        Problem(.methodNotAllowed, code: "PGRST117", "Unsupported HTTP method: \(method)")
    }

    static func invalidPreferences(_ unknown: [String]) -> Problem {
        Problem(
            .invalidInput,
            code: "PGRST122",
            "Invalid preferences given with handling=strict",
            details: "Invalid preferences: " + unknown.joined(separator: ", "),
            in: .header
        )
    }

    static func tooManyAffected(_ rows: Int) -> Problem {
        Problem(
            .invalidInput,
            code: "PGRST124",
            "Query result exceeds max-affected preference constraint",
            details: "The query affects \(rows) rows"
        )
    }

    static let invalidPath = Problem(
        .notFound,
        code: "PGRST125",
        "Invalid path specified in request URL",
        in: .path
    )

    static let openAPIDisabled = Problem(
        .notFound,
        code: "PGRST126",
        "Root endpoint metadata is disabled"
    )

    static let affectedMaxOnSingle = Problem(
        .invalidInput,
        code: "PGRST128",
        "Function must return SETOF or TABLE when max-affected preference is used"
            + " with handling=strict",
        in: .header
    )

    static let noCatalog = Problem(
        .unavailable,
        code: "PGRST002",
        "Could not query the database for the schema cache. Retrying.",
        retryAfter: 1
    )
}

extension PlannerFailure {
    /// What of the request cannot become SQL.
    fileprivate var part: RequestPart {
        switch code {
        case "PGRST202", "PGRST203", "PGRST205": .path
        case "PGRST107": .header
        case "PGRST103" where self == .inverseRange(): .header
        case "PGRST204": .body
        default: .query
        }
    }
}
