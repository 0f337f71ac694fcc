// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
package import LucarneCore

/// A response that SQL wrote itself: `RAISE SQLSTATE 'PGRST' USING MESSAGE = '{…}', DETAIL = '{…}'`.
package struct RaisedResponse: Equatable {
    package let problem: Problem
    package let status: Int
    package let reason: String?
    package let headers: HeaderFields

    /// Reads a problem with the SQLSTATE `PGRST`; if its JSON is not what it should be, the answer
    /// is a problem about that.
    package static func read(_ raised: Problem) -> Result<RaisedResponse, Problem> {
        guard let message = Message(raised.message) else {
            return .failure(
                malformed(.message, "Invalid JSON value for MESSAGE: '\(raised.message)'")
            )
        }
        guard let text = raised.details else {
            return .failure(malformed(.detail, "DETAIL is missing in the RAISE statement"))
        }
        guard let detail = Detail(text) else {
            return .failure(malformed(.detail, "Invalid JSON value for DETAIL: '\(text)'"))
        }
        let problem = Problem(
            raised.kind,
            code: message.code,
            message.message,
            details: message.details,
            hint: message.hint
        )
        return .success(
            RaisedResponse(
                problem: problem,
                status: detail.status,
                reason: detail.reason,
                headers: detail.headers
            )
        )
    }

    private enum Part { case message, detail }

    private static func malformed(_ part: Part, _ details: String) -> Problem {
        let hint =
            switch part {
            case .message:
                "MESSAGE must be a JSON object with obligatory keys: 'code', 'message'"
                    + " and optional keys: 'details', 'hint'."
            case .detail:
                "DETAIL must be a JSON object with obligatory keys: 'status', 'headers'"
                    + " and optional key: 'status_text'."
            }
        return Problem(
            .internalFailure,
            code: "PGRST121",
            "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error",
            details: details,
            hint: hint
        )
    }
}
