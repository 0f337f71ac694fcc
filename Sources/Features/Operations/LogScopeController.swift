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
            let (name, value) = Self.words(scope.subject)
            let left = (max(scope.until, now) - now) / 1_000_000_000
            return JSONValue.object([
                (name, .string(value)), ("seconds_left", .integer(left)),
            ])
        }
        return Response(.object([("scopes", .array(scopes))]))
    }

    /// `{"route": "/rest/v1/{relation}", "seconds": 300}`; or `user`, or `trace`.
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
        guard let seconds, 1...86_400 ~= seconds else {
            return Response(status: 400, problem: "seconds must be a number from 1 to 86400")
        }
        let until = uptimeNanoseconds() + UInt64(seconds) * 1_000_000_000
        guard telemetry.scopes.add(LogScope(subject, until: until)) else {
            return Response(status: 409, problem: "there are \(LogScopes.scopesMax) scopes already")
        }
        telemetry.logs.write(.notice, .operations, "log scope", event: "log.scope") { record in
            record.field("scope", Self.words(subject).name)
            record.field("scope.value", Self.words(subject).value)
            record.field("log.seconds", seconds)
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

    private static func words(_ subject: LogScope.Subject) -> (name: String, value: String) {
        switch subject {
        case .route(let template): ("route", template)
        case .user(let name): ("user", name)
        case .trace(let id): ("trace", id)
        }
    }
}
