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
        var named: (name: String, value: String)?
        var seconds: Int?
        for (name, value) in members {
            switch (name, value) {
            case ("seconds", _): seconds = value.int
            case ("route", .string(let text)), ("user", .string(let text)),
                ("trace", .string(let text)):
                guard named == nil else {
                    return Response(status: 400, problem: "one of route, user and trace is meant")
                }
                named = (name, text)
            case ("route", _), ("user", _), ("trace", _):
                return Response(status: 400, problem: "\(name) must be a text")
            default:
                let problem = "\(name) is neither route, user, trace nor seconds"
                return Response(status: 400, problem: problem)
            }
        }
        guard let named else {
            return Response(status: 400, problem: "one of route, user and trace is needed")
        }
        let subject: LogScope.Subject
        do throws(ParameterFailure) {
            subject = try self.subject(named.name, named.value)
        } catch {
            return Response(status: 400, problem: error.description)
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

    /// What no request can be is refused: nobody would notice that nothing comes.
    private func subject(
        _ name: String,
        _ value: String
    ) throws(ParameterFailure) -> LogScope.Subject {
        switch name {
        case "route":
            let routes = telemetry.routes
            guard routes.contains(value) else {
                let known = routes.sorted().joined(separator: ", ")
                throw ParameterFailure(name: name, expected: "expected one of \(known)")
            }
            return .route(value)
        case "trace":
            let isID = value.utf8.count == 32 && value.allSatisfy(\.isHexDigit)
            guard isID, value.contains(where: { $0 != "0" }) else {
                let expected = "expected 32 hexadecimal digits, not all of them 0"
                throw ParameterFailure(name: name, expected: expected)
            }
            return .trace(value.lowercased())
        default:
            guard !value.isEmpty else {
                throw ParameterFailure(name: name, expected: "expected a user's id, or a role")
            }
            return .user(value)
        }
    }
}
