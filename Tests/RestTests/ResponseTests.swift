// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import Persistence
import PostgresClient
import QueryPlanner
import Telemetry
import Testing

@testable import HTTPServer
@testable import Rest

struct ResponseTests {
    @Test(arguments: [
        ("PGRST116", "", 406), ("PGRST201", "", 300), ("PGRST205", "", 404), ("PGRST999", "", 400),
        ("23505", "", 409), ("42501", "", 403), ("42P01", "", 404), ("PT402", "", 402),
        ("PTxyz", "", 500), ("57014", "", 500), ("08006", "", 503), ("22P02", "", 400),
        ("22023", "role \"x\" does not exist", 401), ("22023", "other", 400),
        ("21000", "UPDATE requires a WHERE clause", 400), ("21000", "more than one row", 500),
        ("42883", "function xmlagg(record) does not exist", 406), ("42883", "function f()", 404),
    ])
    func `each code has its status`(code: String, message: String, status: Int) {
        let problem = Problem(.invalidInput, code: code, message)
        #expect(RestStatus.of(problem, isAnonymous: false) == status)
    }

    @Test(
        arguments: [
            (.exhausted, 503, "overloaded", 1), (.acquireTimedOut, 504, "timed_out", nil),
            (.deadlinePassed, 500, "timed_out", nil), (.closed, 503, "unavailable", 1),
            (.unavailable(""), 503, "unavailable", 1), (.connectionLost(""), 503, "unavailable", 1),
        ] as [(PostgresFailure, Int, String, Int?)]
    )
    func `what keeps the database from answering is no fault of the request`(
        failure: PostgresFailure,
        status: Int,
        kind: String,
        retryAfter: Int?
    ) {
        let reply = RestReply(refusing: Problem(failure), isAnonymous: true, RestSettings())
        #expect(reply.status == status && reply.problem?.kind.rawValue == kind)
        #expect(reply.headers["Retry-After"] == retryAfter.map(String.init))
    }

    /// A rate needs to see the zero before the first failure.
    @Test func `failures of the service's own are exposed before there are any`() throws {
        let telemetry = Telemetry()
        let route = RouteTelemetry(template: "/t", registry: telemetry.registry, methods: [.get])
        let before = telemetry.durationSeries
        let states = [
            "08006", "09000", "21000", "25P02", "2D000", "38000", "39000", "3B000", "40000",
            "40001",
            "40P01", "42P17", "53300", "53400", "54001", "55P03", "57014", "57P01", "57P05",
            "58030",
            "F0000", "HV000", "P0002", "XX000",
        ]
        let failures: [PostgresFailure] =
            [
                .exhausted, .acquireTimedOut, .deadlinePassed, .closed, .unavailable(""),
                .connectionLost(""),
            ] + states.map { .server(ServerError(sqlState: $0, message: "")) }
        let problems =
            failures.map(Problem.init) + [.tooManyLists, .noCatalog, .responseHeaders]
        let answers = problems.map {
            (RestReply(refusing: $0, isAnonymous: true, RestSettings()).status, $0.kind.rawValue)
        }
        #expect(answers.allSatisfy { $0.0 >= 500 })
        let refusals = [Refusal.tooMuchHeld, .failed].map { ($0.status, $0.type) }
        for (status, type) in answers + refusals {
            let trace = RequestTrace(startedAt: 0, context: .restarted(), method: .get)
            trace.route = route
            telemetry.requestStarted(trace)
            var summary = RequestSummary(status: status)
            summary.errorType = type
            telemetry.requestEnded(trace, summary)
        }
        #expect(telemetry.durationSeries == before)
    }

    @Test(arguments: [("PT402", 402, "Pay" as String?), ("PT40A", 500, nil)])
    func `a raised status speaks by its reason phrase`(code: String, status: Int, reason: String?) {
        let problem = Problem(.invalidInput, code: code, "Pay")
        let reply = RestReply(refusing: problem, isAnonymous: false, RestSettings())
        #expect(reply.status == status && reply.reason == reason)
    }

    @Test func `who is nobody is asked to sign in`() {
        let problem = Problem(.forbidden, code: "42501", "permission denied")
        #expect(RestStatus.of(problem, isAnonymous: true) == 401)
    }

    @Test func `a problem is compact JSON with its keys in order`() {
        let problem = Problem(.invalidInput, code: "X", "a \"b\"\n", hint: "h")
        #expect(
            String(decoding: ProblemBody.encode(problem, isVerbose: true), as: UTF8.self)
                == #"{"code":"X","details":null,"hint":"h","message":"a \"b\"\n"}"#
        )
        #expect(
            String(decoding: ProblemBody.encode(problem, isVerbose: false), as: UTF8.self)
                == #"{"code":"X","message":"a \"b\"\n"}"#
        )
    }

    @Test func `SQL can write a whole response`() {
        let raised = Problem(
            .internalFailure,
            code: "PGRST",
            #"{"code":"1","message":"m","hint":null}"#,
            details: #"{"status":402,"status_text":"No","headers":{"X-A":"b"}}"#
        )
        guard case .success(let response) = RaisedResponse.read(raised) else {
            Issue.record("the response was refused")
            return
        }
        #expect(response.status == 402 && response.reason == "No")
        #expect(response.headers == ["X-A": "b"])
        #expect(response.problem.code == "1" && response.problem.message == "m")
    }

    @Test(
        arguments: [
            ("no", nil, "Invalid JSON value for MESSAGE: 'no'"),
            (#"{"code":"1","message":"m"}"#, nil, "DETAIL is missing in the RAISE statement"),
            (#"{"code":"1","message":"m"}"#, "[]", "Invalid JSON value for DETAIL: '[]'"),
            (
                #"{"code":"1","message":"m"}"#, #"{"status":103,"headers":{}}"#,
                #"Invalid JSON value for DETAIL: '{"status":103,"headers":{}}'"#
            ),
        ] as [(String, String?, String)]
    )
    func `a response SQL wrote badly says how`(message: String, detail: String?, details: String) {
        let raised = Problem(.internalFailure, code: "PGRST", message, details: detail)
        guard case .failure(let problem) = RaisedResponse.read(raised) else {
            Issue.record("the response was accepted")
            return
        }
        #expect(problem.code == "PGRST121" && problem.details == details)
    }

    @Test(
        arguments: [
            (0, 3, nil, 200, "0-2/*"), (0, 3, 3, 200, "0-2/3"), (0, 3, 9, 206, "0-2/9"),
            (2, 0, 2, 206, "*/2"), (3, 0, 2, 416, "*/2"), (0, 0, 0, 200, "*/0"),
            (0, 0, nil, 200, "*/*"), (.max, 0, nil, 200, "*/*"),
            (.max, 1, nil, 200, "\(Int.max)-\(Int.max)/*"),
            (.max, 1, 1, 416, "\(Int.max)-\(Int.max)/1"),
        ] as [(Int, Int, Int?, Int, String)]
    )
    func `rows of a range say where they are`(
        offset: Int,
        rows: Int,
        total: Int?,
        status: Int,
        header: String
    ) {
        let range = ContentRange(offset: offset, rows: rows, total: total)
        #expect(range.status == status)
        #expect(range.text == header)
    }

    @Test func `headers from SQL replace ours`() throws {
        let settings = try ReplySettings(
            status: "201",
            headers: #"[{"content-type":"a/b"},{"X":"1"},{"X":"2"}]"#
        )
        let reply = settings.apply(
            to: RestReply(status: 200, headers: ["Content-Type": "c/d"])
        )
        #expect(reply.status == 201)
        #expect(reply.headers == ["content-type": "a/b", "X": "1", "X": "2"])
    }

    /// Below 200 it would not be the answer yet (RFC 9110 §15.2): whoever asked would go on waiting.
    @Test(arguments: ["103", "199", "1000", "nonsense", ""])
    func `a status from SQL is a final one`(text: String) {
        #expect(throws: Problem.responseStatus) { try ReplySettings(status: text, headers: nil) }
    }

    @Test(arguments: [#"{"a":"b"}"#, #"[{"a":1}]"#, #"[{"a":"b","c":"d"}]"#, "nonsense"])
    func `headers from SQL must be a list of pairs`(text: String) {
        #expect(throws: Problem.responseHeaders) {
            try ReplySettings(status: nil, headers: text)
        }
    }
}

extension Telemetry {
    fileprivate var durationSeries: [Substring] {
        String(decoding: exposition(as: .text), as: UTF8.self).split(separator: "\n")
            .filter { $0.hasPrefix("http_server_request_duration_seconds_count{") }
            .map { $0.prefix { $0 != "}" } }
    }
}
