// SPDX-License-Identifier: Apache-2.0
import EventLoop
import HTTPServer
import Testing

@testable import Rest

/// What calls of functions at one moment have in common.
@Suite(.serialized) struct CallSharingTests {
    /// Names a tenant for the transaction, or says who was named.
    private let schema = """
        CREATE FUNCTION api.tenant(name text) RETURNS text LANGUAGE sql STABLE AS $$
          SELECT CASE WHEN name = '' THEN coalesce(current_setting('app.tenant', true), '')
            ELSE set_config('app.tenant', name, true) END $$;
        """

    @Test func `what an anonymous caller's function leaves is no other caller's`() async throws {
        try await RestHarness.run(schema) { rest in
            let call = { @Sendable (name: String) async throws -> String in
                let json: HeaderFields = ["Content-Type": "application/json"]
                let body = #"{"name":"\#(name)"}"#
                return try await rest.send(.post, "/rpc/tenant", json, body: body).body
            }
            // Until it is known as brief.
            for _ in 0..<40 { _ = try await call("") }
            let names = ["ada", "", "", "grace", "", ""]
            let told = try await withThrowingTaskGroup(of: (Int, String).self) { tasks in
                for (index, name) in names.enumerated() {
                    tasks.addTask(executorPreference: EventLoop.current) {
                        (index, try await call(name))
                    }
                }
                return try await tasks.reduce(into: names) { $0[$1.0] = $1.1 }
            }
            #expect(told == names.map { "\"\($0)\"" })
        }
    }
}
