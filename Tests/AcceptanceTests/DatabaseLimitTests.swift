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
    }
}
