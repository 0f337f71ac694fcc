// SPDX-License-Identifier: Apache-2.0
import Cryptography
import EventLoop
import JSONCoding
import Telemetry
import Testing

@testable import HTTPServer
@testable import Operations

/// Who may look inside, and who is told what.
struct AccessTests {
    private static let loopback = SocketAddress.tcp(host: "127.0.0.1", port: 9464)
    private static let network = SocketAddress.tcp(host: "0.0.0.0", port: 9464)

    private let telemetry: Telemetry = {
        var configuration = TelemetryConfiguration()
        configuration.log.ringRecordsMax = 100
        return Telemetry(configuration)
    }()

    private func answer(
        _ access: OperationsAccess,
        _ headers: HeaderFields,
        _ method: HTTPServer.Method = .get,
        _ target: String = "/debug/log-level",
        body: String = ""
    ) async -> Response {
        let operations = Operations(telemetry: telemetry, access: access)
        var request = Request(
            method,
            target,
            headers: headers,
            body: Array(body.utf8),
            peerAddress: "192.0.2.7"
        )
        let match = Router(operations.routes).match(method, path: request.pathBytes)
        guard case .found(let route, let parameters) = match else { return Response(status: 404) }
        request.pathParameters = parameters
        return await route.respond(request)
    }

    @Test(
        arguments: [
            (["Host": "127.0.0.1:9464"], 200), (["Host": "[::1]:9464"], 200),
            (["Host": "localhost"], 200), (["Host": "Lucarne.LocalHost:9464"], 200), ([:], 200),
            (["Host": "10.0.0.7"], 200), (["Host": "attacker.example:9464"], 403),
            (["Host": "127.0.0.1.attacker.example"], 403), (["Host": "localhost.example"], 403),
            (["Host": "1.2.3.256"], 403),
            (["Host": "127.0.0.1:9464", "Origin": "http://127.0.0.1:9464"], 200),
            (["Host": "LOCALHOST:9464", "Origin": "http://localhost:9464"], 200),
            (["Host": "127.0.0.1:9464", "Origin": "http://127.0.0.1:3000"], 403),
            (["Host": "127.0.0.1:9464", "Origin": "https://attacker.example"], 403),
            (["Host": "127.0.0.1:9464", "Origin": "null"], 403),
            (["Origin": "https://attacker.example"], 403),
            (["Host": "localhost", "Sec-Fetch-Site": "same-origin"], 200),
            (["Host": "localhost", "Sec-Fetch-Site": "none"], 200),
            (["Host": "localhost", "Sec-Fetch-Site": "cross-site"], 403),
            (["Host": "localhost", "Sec-Fetch-Site": "same-site"], 403),
            (
                ["Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"],
                403
            ),
            (Self.navigation("document"), 200), (Self.navigation("iframe"), 403),
        ] as [(HeaderFields, Int)]
    )
    func `a page of another site does not look in through its reader's browser`(
        headers: HeaderFields,
        status: Int
    ) async {
        let response = await answer(OperationsAccess(on: Self.loopback), headers)
        #expect(response.status == status)
        let body = (try? await response.collectedBody()) ?? []
        #expect(String(decoding: body, as: UTF8.self).contains("message") == (status == 403))
    }

    /// A board's link to a trace is one of these.
    private static func navigation(_ destination: String) -> HeaderFields {
        [
            "Host": "localhost", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": destination,
        ]
    }

    @Test func `nor does it change anything, with a token in its reader's browser or without`()
        async
    {
        let body = #"{"level":"debug"}"#
        for token in [nil, "s3cret"] {
            var headers = Self.navigation("document")
            if let token { headers.append("Authorization", "Bearer \(token)") }
            let access = OperationsAccess(token: token, on: Self.loopback)
            let change = await answer(access, headers, .post, body: body)
            #expect(change.status == 403)
        }
        #expect(!telemetry.logs.isEnabled(.debug, .sql))
    }

    @Test(arguments: [
        ("10.0.0.7:9464", 200), ("[fd00::7]:9464", 200), ("localhost:9464", 200),
        ("lucarne:9464", 200), ("Lucarne", 200), ("lucarne.lucarne.svc:9464", 200),
        ("lucarne.lucarne.svc.cluster.local", 200), ("nas.local", 200), ("NAS.home.arpa:80", 200),
        ("ops.internal", 200), ("lucarne.test", 200), ("evil.example:9464", 403),
        ("ops.example", 403), ("127.0.0.1.evil.example", 403), ("local.example", 403),
        ("evil.arpa", 403), ("notlocal.xlocal", 403), ("1.2.3.256", 403), ("evil.example.", 403),
    ])
    func `where others come too, the host is one that no stranger can register`(
        host: String,
        status: Int
    ) async throws {
        for address in [Self.network, .unix(path: "/run/lucarne")] {
            let access = OperationsAccess(on: address)
            // As a page sends it that is served under that name.
            let headers: HeaderFields = ["Host": host, "Origin": "http://\(host)"]
            let response = await answer(access, headers)
            #expect(response.status == status)
            let text = String(decoding: try await response.collectedBody(), as: UTF8.self)
            #expect(text.contains("LUCARNE_OPERATIONS_TOKEN") == (status == 403))
            let change = await answer(access, headers, .post, body: #"{"level":"info"}"#)
            #expect(change.status == status)
            for target in ["/metrics", "/livez", "/readyz/objectives"] {
                #expect(await answer(access, ["Host": host], .get, target).status == 200)
            }
        }
    }

    @Test func `a Prometheus on this machine asks by no other name either`() async {
        let access = OperationsAccess(on: Self.loopback)
        for (host, status) in [("localhost:9464", 200), ("lucarne", 403), ("ops.example", 403)] {
            #expect(await answer(access, ["Host": host], .get, "/metrics").status == status)
        }
    }

    @Test func `a host's name is nobody's business where a token is asked for`() async {
        let given: HeaderFields = ["Host": "ops.example", "Authorization": "Bearer s3cret"]
        for address in [Self.loopback, Self.network] {
            let access = OperationsAccess(token: "s3cret", on: address)
            #expect(await answer(access, given).status == 200)
        }
    }

    private static func basic(_ text: String) -> String {
        "Basic " + Base64.standard.encode(Array(text.utf8))
    }

    @Test(arguments: [
        ("Bearer s3:cret", 200), ("bearer s3:cret", 200), ("BEARER  s3:cret", 200),
        (Self.basic("anybody:s3:cret"), 200), (Self.basic(":s3:cret"), 200),
        (Self.basic("s3:cret").lowercased(), 401), (Self.basic("s3"), 401), ("Basic ***", 401),
        ("Bearer", 401), ("Bearer s3:creT", 401), ("Digest s3:cret", 401), ("s3:cret", 401),
        ("", 401),
    ])
    func `a token is a bearer's, or the password of any user`(given: String, status: Int) async {
        let access = OperationsAccess(token: "s3:cret", on: Self.network)
        let response = await answer(access, ["Authorization": given])
        #expect(response.status == status)
        guard status == 401 else { return }
        let challenges = response.headers.joined("WWW-Authenticate")
        #expect(challenges == #"Bearer, Basic realm="Lucarne operations""#)
    }

    @Test func `a wrong token is counted, and told with whose it was`() async throws {
        let access = OperationsAccess(token: "s3cret", on: Self.network)
        _ = await answer(access, ["Authorization": "Bearer guess"])
        _ = await answer(access, [:])
        _ = await answer(access, ["Authorization": "Bearer s3cret"])
        let text = String(decoding: telemetry.exposition(as: .text), as: UTF8.self)
        for (result, count) in [("ok", 1), ("missing", 1), ("forbidden", 1), ("expired", 0)] {
            let labels = #"{scheme="operations",result="\#(result)"}"#
            #expect(text.contains("lucarne_auth_requests_total\(labels) \(count)\n"), "\(result)")
        }
        let records = try await records("operations.refused")
        #expect(records.map { $0["level"]?.string } == ["warning"])
        #expect(records.map { $0["reason"]?.string } == ["wrong_token"])
        #expect(records.map { $0["client.address"]?.string } == ["192.0.2.7"])
        #expect(!records.contains { $0.compactText.contains("guess") })
    }

    @Test func `whoever changes what is logged is named in the log`() async throws {
        let access = OperationsAccess()
        let scope = #"{"user":"anna","seconds":60}"#
        _ = await answer(access, [:], .post, "/debug/log-scope", body: scope)
        _ = await answer(access, [:], .post, "/debug/log-level", body: #"{"level":"notice"}"#)
        for event in ["log.scope", "log.level"] {
            let records = try await records(event)
            #expect(records.map { $0["client.address"]?.string } == ["192.0.2.7"], "\(event)")
        }
    }

    private func records(_ event: String) async throws -> [JSONValue] {
        for _ in 0..<2_000 where !telemetry.logs.ledgers.allSatisfy({ $0.queued == 0 }) {
            try await Task.sleep(for: .milliseconds(5))
        }
        return try telemetry.logs.ring.snapshot.map { try JSONValue(parsing: $0.line) }
            .filter { $0["event"]?.string == event }
    }

    @Test(
        arguments: [
            (OperationsAccess(on: network), [:], true),
            (OperationsAccess(on: network), ["Host": "attacker.example"], false),
            (OperationsAccess(on: network, isApart: false), [:], false),
            (OperationsAccess(on: loopback, isApart: false), [:], true),
            (OperationsAccess(on: loopback, isApart: false), ["Host": "attacker.example"], false),
            (OperationsAccess(on: loopback), ["Origin": "http://attacker.example"], false),
            (OperationsAccess(token: "t", on: loopback, isApart: false), [:], false),
            (OperationsAccess(token: "t", on: network), [:], false),
            (OperationsAccess(token: "t", on: network), ["Authorization": "Bearer x"], false),
            (
                OperationsAccess(token: "t", on: network, isApart: false),
                ["Authorization": "Bearer t"], true
            ),
        ] as [(OperationsAccess, HeaderFields, Bool)]
    )
    func `a probe is everybody's, its reasons are not`(
        access: OperationsAccess,
        headers: HeaderFields,
        isTold: Bool
    ) async throws {
        telemetry.health.declare("database", component: "datastore")
        telemetry.health.learn(.started)
        for target in ["/readyz?verbose", "/readyz/database", "/readyz?exclude=x&verbose=1"] {
            let response = await answer(access, headers, .get, target)
            #expect(response.status == 503)
            let text = String(decoding: try await response.collectedBody(), as: UTF8.self)
            #expect(text.contains("[-]database") == isTold, "\(target): \(text)")
            #expect(isTold || text == "failed")
        }
        telemetry.health.report("database", HealthFinding(.pass))
        for target in ["/livez?exclude=x&verbose", "/readyz?exclude=x&verbose"] {
            let response = await answer(access, headers, .get, target)
            #expect(response.status == 200)
            let text = String(decoding: try await response.collectedBody(), as: UTF8.self)
            #expect(text.contains("[+]state ready") == isTold && isTold == (text != "ok"))
        }
    }

    @Test(arguments: [
        ("/debug/logs?q=100%", "q"), ("/debug/logs?q=%ff", "q"),
        ("/debug/logs?q=a&limit=x", "limit"),
        ("/debug/logs?limit=-1", "limit"), ("/debug/logs/tail?q=%00", "q"),
        ("/debug/traces?route=%ff", "route"), ("/debug/traces?min_ms=abc", "min_ms"),
        ("/debug/traces?min_ms=-1", "min_ms"), ("/debug/traces?error=maybe", "error"),
        ("/debug/traces/0?format=svg", "format"), ("/debug/profile?seconds=%zz", "seconds"),
        ("/readyz?exclude=%", "exclude"), ("/livez?verbose=x", "verbose"),
        ("/debug/logs?q=" + String(repeating: "m~z%20or%20", count: 40), "q"),
    ])
    func `what cannot be read is refused by name, not passed over`(
        target: String,
        name: String
    ) async throws {
        telemetry.health.learn(.started)
        let response = await answer(OperationsAccess(), [:], .get, target)
        #expect(response.status == 400)
        let message = try JSONValue(parsing: try await response.collectedBody())["message"]?.string
        #expect(message?.hasPrefix("\(name): ") == true, "\(message ?? "")")
    }
}
