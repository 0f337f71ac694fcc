// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import PostgresClient
import Support
import Telemetry
import Testing

@testable import Persistence

struct TransactionTests {
    private func texts(_ change: (inout Transaction) -> Void) -> [String] {
        var transaction = Transaction(
            summary: "SELECT planets",
            access: .readOnly,
            statements: [Query("SELECT 1")]
        )
        change(&transaction)
        return transaction.opening.map(\.sql)
    }

    @Test func `a plain read is one implicit transaction: settings, statement`() {
        let sql = texts { $0.settings = LocalSettings([("role", "anon"), ("a'b", "GET")]) }
        #expect(
            sql == [
                "SELECT num_nulls(set_config('role', $1, true), set_config('a''b', $2, true), "
                    + "set_config('transaction_read_only', 'on', true))",
                "SELECT 1",
            ]
        )
    }

    @Test func `an isolation level needs BEGIN and COMMIT`() {
        let sql = texts { $0.isolation = "SERIALIZABLE" }
        #expect(sql == ["BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", "SELECT 1", "COMMIT"])
    }

    @Test func `what is kept only if its results are accepted ends later`() {
        let sql = texts {
            $0.ending = .commitUnless
            $0.access = .readWrite
            $0.preparation = [Query("SELECT pre()")]
        }
        #expect(sql == ["BEGIN READ WRITE", "SELECT pre()", "SELECT 1"])
    }

    @Test(arguments: [
        ("23505", Problem.Kind.conflict), ("22P02", .invalidInput), ("42501", .forbidden),
        ("42P01", .notFound), ("57014", .timedOut), ("53300", .unavailable),
        ("P0001", .invalidInput), ("XX000", .internalFailure), ("25006", .methodNotAllowed),
    ])
    func `an SQLSTATE becomes a problem of its kind`(state: String, kind: Problem.Kind) {
        #expect(Problem.Kind(sqlState: state) == kind)
    }
}

/// The SQL door against a real server.
@Suite(.serialized) struct DatabaseTests {
    private func write(_ sql: String, ending: Transaction.Ending = .commit) -> Transaction {
        var transaction = Transaction(
            summary: "test",
            access: .readWrite,
            statements: [Query(sql, isPrepared: false)]
        )
        transaction.ending = ending
        return transaction
    }

    @Test func `settings hold inside the transaction and are gone behind it`() async throws {
        try await withDatabase { database, context in
            var read = Transaction(
                summary: "test",
                access: .readOnly,
                statements: [
                    Query("SELECT current_setting('request.jwt.claims', true), current_user")
                ]
            )
            read.settings = LocalSettings([
                ("request.jwt.claims", "{\"sub\":1}"), ("role", "pg_monitor"),
            ])
            let inside = try await database.perform(read, in: context)[0]
            #expect(inside.string(0, 0) == "{\"sub\":1}")
            #expect(inside.string(0, 1) == "pg_monitor")
            read.settings = LocalSettings([])
            let outside = try await database.perform(read, in: context)[0]
            #expect(outside.string(0, 0) == "")
            #expect(outside.string(0, 1) == "postgres")
            #expect(context.trace.statementCount == 2)
        }
    }

    @Test func `a read-only transaction refuses to write`() async throws {
        let make = Transaction(
            summary: "test",
            access: .readOnly,
            statements: [Query("CREATE TABLE never (id int)")]
        )
        try await withDatabase { database, context in
            let refused = await #expect(throws: Problem.self) {
                try await database.perform(make, in: context)
            }
            #expect(refused?.kind == .methodNotAllowed)
        }
    }

    @Test func `nothing stays of what is rolled back or refused`() async throws {
        let count = write("SELECT count(*) FROM pg_class WHERE relname LIKE 'gone%'")
        let rolledBack = write("CREATE TABLE gone_1 (id int)", ending: .rollback)
        let refused = write("CREATE TABLE gone_2 (id int)", ending: .commitUnless)
        let failing = write("SELECT 1/0", ending: .commitUnless)
        try await withDatabase { database, context in
            _ = try await database.perform(rolledBack, in: context)
            await #expect(throws: Problem(.notAcceptable, code: "no", "no")) {
                try await database.perform(refused, in: context) { _ throws(Problem) in
                    throw Problem(.notAcceptable, code: "no", "no")
                }
            }
            await #expect(throws: Problem.self) {
                try await database.perform(failing, in: context)
            }
            #expect(try await database.perform(count, in: context)[0].integer(0, 0) == 0)
        }
    }

    @Test func `what is accepted stays`() async throws {
        let make = write("CREATE TABLE kept AS SELECT 7 AS id", ending: .commitUnless)
        let read = write("SELECT id FROM kept")
        try await withDatabase { database, context in
            _ = try await database.perform(make, in: context)
            #expect(try await database.perform(read, in: context)[0].integer(0, 0) == 7)
        }
    }

    @Test func `a failed block is ended whatever the session has prepared`() async throws {
        let failing = write("SELECT 1/0", ending: .commitUnless)
        try await withDatabase(connectionsMax: 1) { database, context in
            // As many texts as a session keeps.
            for number in 0..<SessionSettings(connection: "").preparedStatementsMax {
                var read = Transaction(summary: "test", access: .readWrite, statements: [])
                read.statements = [Query("SELECT \(number)")]
                _ = try await database.perform(read, in: context)
            }
            await #expect(throws: Problem.self) {
                try await database.perform(failing, in: context)
            }
            let after = try await database.perform(write("SELECT 7"), in: context)
            #expect(after[0].integer(0, 0) == 7)
        }
    }
}
