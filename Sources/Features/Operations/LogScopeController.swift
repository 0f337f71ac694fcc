// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Telemetry

/// Debug records for one route, user or trace, for a while.
struct LogScopeController: Sendable {
    let telemetry: Telemetry

    func show() -> Response {
        let now = uptimeNanoseconds()
        let scopes = telemetry.scopes.current.map { scope in
            let (name, value) = scope.subject.words
            let left = (max(scope.until, now) - now) / 1_000_000_000
            return JSONValue.object([
                (name, .string(value)), ("seconds_left", .integer(left)),
            ])
        }
        return Response(.object([("scopes", .array(scopes))]))
    }

    /// `{"route": "/rest/v1/{relation}", "seconds": 300}`; or `user`, or `trace`. No seconds more
    /// end what there is.
    func add(_ request: Request) -> Response {
        guard let document = try? JSONValue(parsing: request.body), let members = document.members
        else { return Response(status: 400, problem: "the body must be a JSON object") }
        var subject: LogScope.Subject?
        var seconds: Int?
        for (name, value) in members {
            switch (name, value) {
            case ("seconds", .number): seconds = value.int
            case (_, .string(let text)) where subject == nil && !text.isEmpty:
                subject = Self.subject(name, text)
            default: return Response(status: 400, problem: "\(name): not understood")
            }
        }
        guard let subject else {
            return Response(status: 400, problem: "one of route, user and trace is needed")
        }
        guard let seconds, 0...86_400 ~= seconds else {
            return Response(status: 400, problem: "seconds must be a number from 0 to 86400")
        }
        let asker = request.peerAddress
        guard telemetry.openScope(subject, forSeconds: seconds, askedBy: asker) else {
            return Response(
                status: 409,
                code: "too_many_scopes",
                problem: "there are \(LogScopes.scopesMax) scopes already"
            )
        }
        return show()
    }

    private static func subject(_ name: String, _ value: String) -> LogScope.Subject? {
        switch name {
        case "route": .route(value)
        case "user": .user(value)
        case "trace": .trace(value.lowercased())
        default: nil
        }
    }
}
