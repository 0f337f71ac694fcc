// SPDX-License-Identifier: Apache-2.0
import Dispatch
import PostgresClient
import Support
import Synchronization
import Testing

@testable import Lucarne

/// An empty database in the server that this process's tests share.
struct TestDatabase {
    private let server: PostgresServer
    private let name = "t\(UInt64.random(in: 0 ... .max))"

    init() throws {
        server = try PostgresServer.shared.get()
        try server.psql("CREATE DATABASE \(name)")
    }

    var owner: String { connection(user: "postgres") }

    func connection(user: String) -> String { server.connection(database: name, user: user) }

    /// The first value of the first row.
    func value(_ sql: String) throws -> String? {
        try BlockingSession(owner).query(sql).first?.first ?? nil
    }
}

@Suite(.serialized) struct MigratorTests {
    private let good = Migration(name: "0001_good.sql", sql: "CREATE TABLE a (id int);\nSELECT 1;")

    @Test func `migrations are applied once, and recorded`() throws {
        let database = try TestDatabase()
        let owner = database.owner
        let more = Migration(
            name: "0002_more.sql",
            sql: "ALTER TABLE a ADD b text; SET ROLE anon;"
        )
        #expect(try Migrator(connection: owner).pending([good]).last == "0001_good.sql")
        #expect(try Migrator(connection: owner).migrate([good]) == ["0001_good.sql"])
        #expect(try Migrator(connection: owner).migrate([good, more]) == ["0002_more.sql"])
        #expect(try Migrator(connection: owner).migrate([good, more]).isEmpty)
        #expect(try Migrator(connection: owner).pending([good, more]).isEmpty)
        let names = "SELECT string_agg(name, ',' ORDER BY name) FROM lucarne.migrations"
        #expect(try database.value(names)?.hasPrefix("0001_good.sql,0002_more.sql,") == true)
    }

    @Test func `two processes at once apply once`() throws {
        let database = try TestDatabase()
        let owner = database.owner
        let slow = Migration(
            name: "0001_slow.sql",
            sql: "SELECT pg_sleep(0.3); CREATE TABLE once (); INSERT INTO once DEFAULT VALUES;"
        )
        let results = Mutex<[[String]]>([])
        DispatchQueue.concurrentPerform(iterations: 2) { _ in
            let applied = (try? Migrator(connection: owner).migrate([slow])) ?? ["failed"]
            results.withLock { $0.append(applied) }
        }
        let sorted = results.withLock { $0.sorted { $0.count < $1.count } }
        #expect(sorted == [[], ["0001_slow.sql"]])
        #expect(try database.value("SELECT count(*) FROM once") == "1")
    }

    @Test func `a failing file changes nothing, and is named with its line`() throws {
        let database = try TestDatabase()
        let owner = database.owner
        let bad = Migration(name: "0002_bad.sql", sql: "CREATE TABLE b ();\n\nSELEC 1;")
        let failure = #expect(throws: StartFailure.self) {
            try Migrator(connection: owner).migrate([good, bad])
        }
        #expect(
            failure?.description
                == "migration 0002_bad.sql:3: syntax error at or near \"SELEC\" (42601)"
        )
        #expect(try database.value("SELECT to_regclass('b')") == nil)
        #expect(try database.value("SELECT to_regclass('a')") == "a")
        for sql in [
            "COMMIT; SELECT 1;", "CREATE TABLE c (); ROLLBACK;", "COMMIT AND CHAIN; SELECT 1;",
        ] {
            let rogue = Migration(name: "0002_rogue.sql", sql: sql)
            let failure = #expect(throws: StartFailure.self) {
                try Migrator(connection: owner).migrate([good, rogue])
            }
            #expect(failure?.description.contains("ends its own transaction") == true)
        }
        let copy = Migration(name: "0002_copy.sql", sql: "COPY a FROM STDIN;")
        let refused = #expect(throws: StartFailure.self) {
            try Migrator(connection: owner).migrate([good, copy])
        }
        #expect(refused?.description.contains("COPY FROM STDIN has no input here") == true)
    }

    @Test func `a file holds the lock as long as its transaction`() throws {
        let database = try TestDatabase()
        let held = Migration(
            name: "0001_held.sql",
            sql: """
                SELECT pg_advisory_unlock_all();
                CREATE TABLE held AS SELECT FROM pg_locks
                WHERE locktype = 'advisory' AND pid = pg_backend_pid() AND granted;
                """
        )
        _ = try Migrator(connection: database.owner).migrate([held])
        #expect(try database.value("SELECT count(*) FROM held") == "1")
    }

    @Test func `what is recorded already is not recorded again`() throws {
        let database = try TestDatabase()
        let rogue = Migration(
            name: "0002_rogue.sql",
            sql: """
                CREATE TABLE b ();
                INSERT INTO lucarne.migrations VALUES ('0002_rogue.sql', 'x', DEFAULT, 1);
                """
        )
        let failure = #expect(throws: StartFailure.self) {
            try Migrator(connection: database.owner).migrate([good, rogue])
        }
        #expect(failure?.description.contains("(23505)") == true)
        #expect(try database.value("SELECT to_regclass('b')") == nil)
        let names = "SELECT string_agg(name, ',') FROM lucarne.migrations WHERE name ~ '^0'"
        #expect(try database.value(names) == "0001_good.sql")
    }

    @Test func `policies find who asks, and roles have their rights`() throws {
        let database = try TestDatabase()
        let owner = database.owner
        let table = Migration(
            name: "0001_notes.sql",
            sql: """
                CREATE TABLE notes (id int, owner uuid);
                ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
                CREATE POLICY own ON notes USING (owner = auth.uid());
                INSERT INTO notes VALUES (1, '7b1c0e0a-0000-4000-8000-000000000001'), (2, NULL);
                """
        )
        _ = try Migrator(connection: owner).migrate([table])
        let session = try BlockingSession(database.connection(user: "authenticator"))
        try session.run(
            """
            BEGIN; SET LOCAL ROLE authenticated;
            SET LOCAL "request.jwt.claims" = '{"sub":"7b1c0e0a-0000-4000-8000-000000000001",
                "role":"authenticated","email":"a@b.c"}';
            """
        )
        let rows = try session.query(
            "SELECT id, auth.role(), auth.email(), auth.jwt() ->> 'role' FROM notes"
        )
        #expect(rows == [["1", "authenticated", "a@b.c", "authenticated"]])
        try session.run("ROLLBACK; BEGIN; SET LOCAL ROLE service_role")
        #expect(try session.query("SELECT count(*) FROM notes") == [["2"]])
        try session.run("ROLLBACK; BEGIN; SET LOCAL ROLE anon")
        #expect(try session.query("SELECT count(*), auth.uid() FROM notes GROUP BY 2") == [])
    }
}
