// SPDX-License-Identifier: Apache-2.0
import Cryptography
import HTTPServer
import LucarneCore

extension RestReply {
    /// A problem as the dialect tells it.
    init(refusing problem: Problem, isAnonymous: Bool, _ settings: RestSettings) {
        guard problem.code == "PGRST" else {
            self.init(
                problem,
                status: RestStatus.of(problem, isAnonymous: isAnonymous),
                settings: settings
            )
            if status == 401 { headers.append("WWW-Authenticate", "Bearer") }
            if let seconds = problem.retryAfter {
                headers.append("Retry-After", String(seconds))
            }
            return
        }
        switch RaisedResponse.read(problem) {
        case .failure(let problem):
            self.init(problem, status: 500, settings: settings)
        case .success(let raised):
            self.init(raised.problem, status: raised.status, settings: settings)
            reason = raised.reason
            headers.replace(with: raised.headers)
        }
    }

    /// A token that proves nothing.
    init(refusing failure: TokenFailure, _ settings: RestSettings) {
        let problem = Problem(
            failure == .secretMissing ? .internalFailure : .unauthenticated,
            code: failure.code,
            failure.message,
            details: failure.details
        )
        self.init(problem, status: failure.status, settings: settings)
        if let challenge = failure.authenticateHeader {
            headers.append("WWW-Authenticate", challenge)
        }
    }

    private init(_ problem: Problem, status: Int, settings: RestSettings) {
        self.init(
            status: status,
            headers: [
                "Content-Type": "application/json; charset=utf-8",
                "Proxy-Status": "PostgREST; error=\(problem.code)",
            ],
            body: .bytes(ProblemBody.encode(problem, isVerbose: settings.isErrorVerbose)),
            problem: problem
        )
        // PTxyz speaks to people by the reason phrase.
        if problem.code == "PT\(status)" { reason = problem.message }
    }
}
