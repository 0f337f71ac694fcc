// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// Why something was not done, in the product's words.
///
/// `kind` is closed: metrics count by it. `code` is stable and greppable: an SQLSTATE, or a
/// dialect's own (`PGRST116`). `message`, `details` and `hint` are safe to send to the caller.
/// A problem knows neither HTTP nor SQL.
package struct Problem: Error, Equatable, Sendable {
    package enum Kind: String, CaseIterable, Sendable {
        case invalidInput = "invalid_input"
        case unauthenticated
        case forbidden
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case notAcceptable = "not_acceptable"
        case conflict
        case ambiguous
        case rangeNotSatisfiable = "range_not_satisfiable"
        case tooLarge = "too_large"
        case unsupportedMediaType = "unsupported_media_type"
        case overloaded
        case unavailable
        case timedOut = "timed_out"
        case cancelled
        case internalFailure = "internal_failure"
    }

    package var kind: Kind
    package var code: String
    package var message: String
    package var details: String?
    package var hint: String?
    /// The part of the request that is at fault, where that was seen before anything was run.
    package var part: RequestPart?
    /// Seconds after which trying again makes sense.
    package var retryAfter: Int?

    package init(
        _ kind: Kind,
        code: String,
        _ message: String,
        details: String? = nil,
        hint: String? = nil,
        in part: RequestPart? = nil,
        retryAfter: Int? = nil
    ) {
        self.kind = kind
        self.code = code
        self.message = message
        self.details = details
        self.hint = hint
        self.part = part
        self.retryAfter = retryAfter
    }
}
