// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    @Suite(.serialized) struct RestTests {
        @Test func `the PostgREST client reads and writes as each role may`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let run = try Command.client(
                "rest",
                server.base + "/rest/v1",
                try server.token(role: "anon"),
                try server.token(
                    role: "authenticated",
                    subject: "16100107-0000-4000-8000-00000000000a"
                ),
                try server.token(
                    role: "authenticated",
                    subject: "16100107-0000-4000-8000-00000000000b"
                ),
                try server.token(role: "service_role")
            )
            #expect(run.status == 0, "\(run.errors)\(server.output.suffix(2_000))")
            #expect(run.output.hasSuffix("all 20 expectations hold\n"), "\(run.output)")
        }

        @Test func `a token that cannot be trusted is refused without an oracle`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let good = try server.token(role: "service_role")
            let unsigned = "eyJhbGciOiJub25lIn0.eyJyb2xlIjoic2VydmljZV9yb2xlIn0."
            let tampered = String(good.dropLast(4)) + "AAAA"
            for bad in [unsigned, tampered, "nonsense"] {
                let reply = try server.get("/rest/v1/planets", bearer: bad)
                #expect(reply.status == 401)
                #expect(reply.headers["www-authenticate"]?.hasPrefix("Bearer") == true)
                #expect(reply.body.contains(#""code":"PGRST3"#))
            }
            #expect(try server.get("/rest/v1/planets?limit=1", bearer: good).status == 200)
        }

        @Test func `a refusal of PostgreSQL is 401 for a stranger and 403 for a user`() throws {
            let server = try LucarneProcess.serving(connection: try Database().connection)
            let write = ["-X", "POST", "-H", "Content-Type: application/json", "-d"]
            let body = #"{"planet_id":3,"note":"Still here."}"#
            let stranger = try server.get(
                "/rest/v1/observations",
                write[0],
                write[1],
                write[2],
                write[3],
                write[4],
                body
            )
            #expect(stranger.status == 401)
            let user = try server.token(
                role: "authenticated",
                subject: UUID().uuidString.lowercased()
            )
            let forged =
                #"{"planet_id":3,"note":"Not mine.","observer":"16100107-0000-4000-8000-000000000001"}"#
            let refused = try server.get(
                "/rest/v1/observations",
                write[0],
                write[1],
                write[2],
                write[3],
                write[4],
                forged,
                bearer: user
            )
            #expect(refused.status == 403)
            #expect(refused.body.contains(#""code":"42501""#))
        }

        @Test func `a change of the schema is served without a restart`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(connection: database.connection)
            #expect(try server.get("/rest/v1/comets").status == 404)
            try database.psql(
                "create table comets (name text); insert into comets values ('Halley')"
            )
            #expect(
                try eventually(within: 10) {
                    try server.get("/rest/v1/comets").body == #"[{"name":"Halley"}]"#
                }
            )
        }

        @Test func `a row that is looked for beyond all numbers ends no process`() throws {
            let database = try Database()
            try database.psql(
                """
                create function one() returns int language sql stable as 'select 1';
                create function nothing() returns void language sql as '';
                """
            )
            let server = try LucarneProcess.serving(connection: database.connection)
            let far = "offset=\(Int.max)"
            let post = ["-H", "Content-Type: application/json", "-d"]
            for (path, arguments, status) in [
                ("one?\(far)", [], 200), ("one?\(far)&limit=\(Int.max)", [], 200),
                ("one?\(far)", post + ["{}"], 200),
                ("one", ["-H", "Range: \(Int.max)-"], 200), ("nothing?\(far)", [], 204),
                ("nothing?\(far)", post + [""], 204),
                ("one?\(far)", ["-H", "Prefer: count=exact"], 416),
            ] as [(String, [String], Int)] {
                let reply = try server.get("/rest/v1/rpc/" + path, arguments)
                #expect(reply.status == status, "\(path) \(arguments)")
                let total = status == 416 ? "1" : "*"
                #expect(reply.headers["content-range"] == "\(Int.max)-\(Int.max)/\(total)")
            }
            // Without a body there is no row that could be made of none.
            let head = try server.get("/rest/v1/rpc/one?\(far)", ["-I"])
            #expect(head.status == 200 && head.headers["content-range"] == "*/*")
            let table = try server.get("/rest/v1/planets?\(far)&limit=\(Int.max)")
            #expect(table.status == 200 && table.headers["content-range"] == "*/*")
        }

        @Test func `text in another encoding is refused, whoever reads it`() throws {
            let database = try Database()
            try database.psql(
                """
                create function said(text) returns text language sql stable as 'select $1';
                create table notes (note text);
                grant all on notes to public;
                """
            )
            let server = try LucarneProcess.serving(connection: database.connection)
            let latin = server.directory + "/latin"
            try Data([0x7B, 0x22, 0x6E, 0x6F, 0x74, 0x65, 0x22, 0x3A, 0x22, 0xE9, 0x22, 0x7D])
                .write(to: URL(filePath: latin))
            for (path, type) in [
                ("notes?columns=note", "application/json"), ("rpc/said", "text/plain"),
            ] {
                let reply = try server.get(
                    "/rest/v1/" + path,
                    ["-H", "Content-Type: " + type, "--data-binary", "@" + latin]
                )
                #expect(reply.status == 400)
                #expect(reply.body.contains(#"encoding \"UTF8\": 0xe9 0x22 0x7d"#), "\(reply.body)")
            }
            #expect(try server.get("/rest/v1/notes").body == "[]")
        }

        @Test func `a secret that is replaced in its file counts from the next signal on`() throws {
            let file = NSTemporaryDirectory() + "lucarne-secret-\(UInt64.random(in: 0 ... .max))"
            defer { try? FileManager.default.removeItem(atPath: file) }
            func keep(_ secret: String) throws {
                try secret.write(toFile: file, atomically: true, encoding: .utf8)
            }
            let secrets = [LucarneProcess.secret, "another-secret-of-more-than-32-bytes"]
            try keep(secrets[0] + "\n")
            let server = try LucarneProcess.serving(
                connection: try Database().connection,
                environment: ["LUCARNE_JWT_SECRET": "@" + file]
            )
            let tokens = try secrets.map { try server.token(role: "service_role", signedBy: $0) }
            func statuses() throws -> [Int] {
                try tokens.map { try server.get("/rest/v1/planets?limit=1", bearer: $0).status }
            }
            #expect(try statuses() == [200, 401])
            try keep(secrets[1])
            server.signal(SIGUSR2)
            #expect(try eventually(within: 10) { try statuses() == [401, 200] })

            // What cannot be served under changes nothing.
            try keep("short")
            server.signal(SIGUSR2)
            #expect(try eventually(within: 10) { server.output.contains("at least 32") })
            #expect(try statuses() == [401, 200])
        }

        @Test func `what a signal has put into effect is what the process tells of itself`() throws
        {
            let database = try Database()
            // Nothing but signals has it look.
            let server = try LucarneProcess.serving(
                ["--rest-db-channel-enabled", "off"],
                connection: database.connection
            )
            func write(_ text: String) throws {
                let path = server.directory + "/.env"
                try text.write(toFile: path, atomically: true, encoding: .utf8)
            }
            func shown(_ setting: String) throws -> String? {
                let body = Data(try server.get("/debug/config").body.utf8)
                let settings = try JSONSerialization.jsonObject(with: body) as? [String: Any]
                return (settings?[setting] as? [String: Any])?["value"] as? String
            }
            func fingerprint() throws -> String? {
                try server.get("/metrics").body.firstMatch(of: /config_info{.*fingerprint="(\w+)"/)
                    .map { String($0.1) }
            }
            func isWell() throws -> Bool {
                try server.metric("lucarne_config_last_reload_success") == 1
            }
            let before = try #require(try fingerprint())
            try write("LUCARNE_REST_DB_MAX_ROWS=2\nLUCARNE_POOL_MAX=5\n")
            server.signal(SIGHUP)
            #expect(
                try eventually(within: 10) { try shown("rest-db-max-rows") == "2" }
            )
            #expect(try shown("pool-max") == "16", "that takes a start")
            #expect(try fingerprint() != before)
            let planets = try server.get("/rest/v1/planets?select=id").body
            #expect(planets.split(separator: ",").count == 2)

            try write("LUCARNE_REST_DB_MAX_ROWS=many\n")
            server.signal(SIGUSR2)
            #expect(try eventually(within: 10) { try !isWell() })
            try database.psql("create table moonlets ()")
            server.signal(SIGUSR1)
            #expect(
                try eventually(within: 10) { try server.get("/rest/v1/moonlets").status == 200 }
            )
            #expect(try !isWell(), "the catalog's success mends no setting")
            #expect(try shown("rest-db-max-rows") == "2")

            try write("LUCARNE_SLOW_REQUEST=9000000h\n")
            server.signal(SIGUSR2)
            #expect(try eventually(within: 10) { server.output.contains("slow-request") })
            #expect(try server.get("/livez").status == 200)
            #expect(try !isWell())
            try database.psql("create table rings ()")
            server.signal(SIGHUP)
            #expect(try eventually(within: 10) { try server.get("/rest/v1/rings").status == 200 })
            #expect(try !isWell())
            try write("")
            server.signal(SIGHUP)
            #expect(try eventually(within: 10) { try isWell() && fingerprint() == before })
        }
    }
}
