// SPDX-License-Identifier: Apache-2.0
import Foundation
import Support
import Testing

extension AcceptanceTests {
    /// How much of the database, and for how long.
    @Suite(.serialized) struct DatabaseLimitTests {
        @Test func `who finds the queue for a connection full is told to come again`() throws {
            let database = try Database()
            try database.psql(
                """
                create table released ();
                create function held() returns text language plpgsql volatile security definer as
                $$ begin
                  while not exists (select from public.released) loop
                    perform pg_sleep(0.02);
                  end loop;
                  return 'done';
                end $$
                """
            )
            let server = try LucarneProcess.serving(
                [
                    "--pool-max", "1", "--pool-waiters-max", "1", "--pool-acquire-timeout", "10m",
                    "--request-timeout", "10m",
                ],
                connection: database.connection,
                environment: ["LUCARNE_LOOPS": "1"]
            )
            #expect(try server.metric("lucarne_db_pool_connections_limit") == 1)
            let duration = "http_server_request_duration_seconds_count"
            let refusals = { (labels: String) in
                try server.metric(duration, #"http_route="/rest/v1/rpc/{function}""#, labels)
            }
            let overloaded = #"http_response_status_code="503",error_type="overloaded""#
            #expect(try server.get("/metrics").body.contains(overloaded))
            let answers = (0..<5).map { _ in Promise<Reply>() }
            for answer in answers {
                Thread.detachNewThread {
                    let long = ["-X", "POST", "-m", "600"]
                    answer.fulfil(Result { try server.get("/rest/v1/rpc/held", long) })
                }
            }
            // One has the connection, and one waits for it, or the health check in its place.
            #expect(try eventually(within: 10) { try refusals(overloaded) >= 3 })
            try database.psql("insert into released default values")
            let replies = try answers.map { try $0.value(within: 30) }
            let refused = replies.filter { $0.status != 200 }
            #expect(refused.count >= 3 && refused.count < 5)
            for reply in refused {
                #expect(reply.status == 503 && reply.headers["retry-after"] == "1")
                #expect(reply.body.contains("POOL_EXHAUSTED"))
            }
            #expect(try refusals(overloaded) == Double(refused.count))
            #expect(try refusals(#"http_response_status_code="400""#) == 0)
        }

        @Test func `a statement takes no longer than it may, which its role and function may say`()
            throws
        {
            let database = try Database()
            try database.psql(
                """
                create role patient_\(database.name) nologin;
                alter role patient_\(database.name) set statement_timeout = '11min';
                grant patient_\(database.name) to current_user;
                create function endless() returns void language sql volatile as
                $$ select pg_sleep(600) $$;
                create function allowed() returns text language sql stable as
                $$ select current_setting('statement_timeout') $$;
                create function own() returns text language sql stable
                set statement_timeout = '12min' as
                $$ select current_setting('statement_timeout') $$;
                create function patience() returns text language sql volatile as
                $$ select current_setting('statement_timeout') from pg_sleep(1) $$;
                create view limits as select current_setting('statement_timeout') as found;
                grant select on limits to anon
                """
            )
            let server = try LucarneProcess.serving(
                ["--statement-timeout", "500ms"],
                connection: database.connection
            )
            let cut = try server.get("/rest/v1/rpc/endless", "-X", "POST", "-m", "600")
            #expect(cut.status == 500 && cut.body.contains(#""code":"57014""#), "\(cut)")
            #expect(cut.body.contains("statement timeout"))
            let duration = "http_server_request_duration_seconds_count"
            #expect(
                try server.metric(
                    duration,
                    #"http_response_status_code="500",error_type="timed_out""#
                ) == 1
            )
            let patient = try server.token(role: "patient_\(database.name)")
            #expect(
                try server.get("/rest/v1/rpc/patience", "-X", "POST", bearer: patient).body
                    == #""11min""#
            )
            #expect(try server.get("/rest/v1/rpc/allowed").body == #""500ms""#)
            #expect(try server.get("/rest/v1/rpc/own").body == #""12min""#)
            // Several at once share a transaction, and what it is allowed.
            let several = try Command.run(
                "/usr/bin/env",
                ["curl", "-s", "-Z", "--parallel-immediate"]
                    + Array(repeating: server.base + "/rest/v1/limits", count: 50)
            )
            let each = #"[{"found":"500ms"}]"#
            #expect(several.output == String(repeating: each, count: 50))
        }

        @Test func `no statement is told how long it may take where nobody says`() throws {
            let database = try Database()
            try database.psql(
                """
                alter database \(database.name) set statement_timeout = '13min';
                create function allowed() returns text language sql stable as
                $$ select current_setting('statement_timeout') $$
                """
            )
            let server = try LucarneProcess.serving(
                ["--statement-timeout", "0"],
                connection: database.connection
            )
            #expect(try server.get("/rest/v1/rpc/allowed").body == #""13min""#)
        }

        @Test func `the doctor knows a Lucarne that serves already`() throws {
            let database = try Database()
            let server = try LucarneProcess.serving(connection: database.connection)
            func look(_ setting: String, _ port: Int) throws -> (isWell: Bool, text: String) {
                var environment = ["DATABASE_URL": database.connection]
                environment["LUCARNE_ADDRESS"] = "127.0.0.1:\(Int.random(in: 12_000..<20_000))"
                let words = ["doctor", "--\(setting)", "127.0.0.1:\(port)"]
                let run = try Command.run(
                    Repository.binary.path,
                    words,
                    environment: environment
                )
                return (run.status == 0, run.output)
            }
            // Answers whatever it is asked.
            let other = try Daemon("python3", files: ["any.py": Self.yesSayer]) { folder, port in
                ["\(folder)/any.py", "\(port)"]
            }.ready("/")
            for setting in ["address", "operations-address"] {
                let known = try look(setting, server.port)
                let place = "127.0.0.1:\(server.port)"
                let line = "[ok] \(setting): \(place) is in use by a running Lucarne\n"
                #expect(known.isWell && known.text.contains(line), "\(known.text)")
                let found = try look(setting, other.port)
                let fault = "[FAIL] \(setting): 127.0.0.1:\(other.port) is in use\n"
                #expect(!found.isWell && found.text.contains(fault), "\(found.text)")
            }
        }

        private static let yesSayer = """
            import http.server, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                protocol_version = "HTTP/1.1"
                def do_GET(self):
                    self.send_response(200)
                    self.send_header("Content-Length", "2")
                    self.end_headers()
                    self.wfile.write(b"ok")
            http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
            """
    }
}
