// SPDX-License-Identifier: Apache-2.0
package import LucarneCore

/// The HTTP status of every problem: by its code where that is PostgREST's or an SQLSTATE of
/// PostgreSQL's (appendix A), else by its kind.
package enum RestStatus {
    package static func of(_ problem: Problem, isAnonymous: Bool) -> Int {
        let code = problem.code
        if code.hasPrefix("PGRST") { return dialect(code) }
        // An SQLSTATE has five characters.
        guard code.utf8.count == 5 else { return byKind(problem.kind) }
        return exact(problem, isAnonymous: isAnonymous) ?? byClass(code)
    }

    private static func dialect(_ code: String) -> Int {
        switch code {
        case "PGRST000", "PGRST001", "PGRST002": 503
        case "PGRST003": 504
        case "PGRST101", "PGRST105", "PGRST117": 405
        case "PGRST103": 416
        case "PGRST106", "PGRST107", "PGRST116": 406
        case "PGRST111", "PGRST112", "PGRST121", "PGRST300", "PGRSTX00": 500
        case "PGRST125", "PGRST126", "PGRST202", "PGRST205": 404
        case "PGRST201", "PGRST203": 300
        case "PGRST301", "PGRST302", "PGRST303": 401
        default: 400
        }
    }

    private static func exact(_ problem: Problem, isAnonymous: Bool) -> Int? {
        let message = problem.message
        switch problem.code {
        case "23503", "23505": return 409
        case "25006": return 405
        case "21000":
            // pg-safeupdate speaks of the request; anything else is a fault of the schema.
            return message.hasSuffix("requires a WHERE clause") ? 400 : 500
        case "22023":
            // A token may name a role that does not exist.
            return message.hasPrefix("role") && message.hasSuffix("does not exist") ? 401 : 400
        case "53400": return 500
        case "57P01": return 503
        case "P0001": return 400
        case "42883": return message.hasPrefix("function xmlagg(") ? 406 : 404
        case "42P01": return 404
        case "42P17": return 500
        case "42501": return isAnonymous ? 401 : 403
        default: return nil
        }
    }

    private static func byClass(_ code: String) -> Int {
        switch code.prefix(2) {
        case "08", "53": 503
        case "0L", "0P", "28": 403
        case "09", "25", "2D", "38", "39", "3B", "40", "54", "55", "57", "58", "F0", "HV", "P0",
            "XX":
            500
        case "PT": Int(code.dropFirst(2)) ?? 500
        default: 400
        }
    }

    /// For codes that are neither's.
    private static func byKind(_ kind: Problem.Kind) -> Int {
        switch kind {
        case .ambiguous: 300
        case .invalidInput: 400
        case .unauthenticated: 401
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .conflict: 409
        case .tooLarge: 413
        case .unsupportedMediaType: 415
        case .rangeNotSatisfiable: 416
        case .cancelled, .internalFailure: 500
        case .overloaded, .unavailable: 503
        case .timedOut: 504
        }
    }

    /// How a problem with one of the dialect's codes is counted.
    static func kind(ofCode code: String) -> Problem.Kind {
        switch code {
        case "PGRST116", "PGRST106", "PGRST107": .notAcceptable
        case "PGRST202", "PGRST205", "PGRST125", "PGRST126": .notFound
        case "PGRST201", "PGRST203": .ambiguous
        case "PGRST103": .rangeNotSatisfiable
        case "PGRST101", "PGRST105", "PGRST117": .methodNotAllowed
        default: .invalidInput
        }
    }
}
