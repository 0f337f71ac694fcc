// SPDX-License-Identifier: Apache-2.0
import EventLoop
import LucarneCore
import PostgresClient
import Support
import Testing

@testable import Persistence

/// Reads that share a transaction, against a real server.
@Suite(.serialized) struct SharingTests {
    /// In one transaction all statements are told the same time (PostgreSQL §9.9.5).
    private static let transaction = "pg_backend_pid() || '@' || transaction_timestamp()"

    /// What has been run often enough to be known as brief.
    private static func brief() -> Sharing {
        let sharing = Sharing { results in
            results.first.map { $0.columnCount > 1 && !$0.isNull(0, 1) } ?? false
        }
        for _ in 0..<20 { sharing.took(10_000) }
        return sharing
    }

    private static func read(
        _ sql: String,
        _ sharing: Sharing? = brief(),
        under names: LocalSettings.Names = .init(["request.path"]),
        _ value: String = "/"
    ) -> Transaction {
        var transaction = Transaction(
            summary: "test",
            access: .readOnly,
            statements: [Query(sql)]
        )
        transaction.settings = LocalSettings(names, Parameters([value]))
        transaction.sharing = sharing
        return transaction
    }

    /// All at one moment, each as a request of its own; what each read first, or its SQLSTATE.
    private static func perform(
        _ reads: [Transaction],
        by database: Database
    ) async -> [String?] {
        await withTaskGroup(of: (Int, String?).self) { group in
            for (index, read) in reads.enumerated() {
                group.addTask(executorPreference: EventLoop.current) {
                    do throws(Problem) {
                        return (
                            index, try await database.perform(read, in: request())[0].string(0, 0)
                        )
                    } catch {
                        return (index, error.code)
                    }
                }
            }
            return await group.reduce(into: [String?](repeating: nil, count: reads.count)) {
                $0[$1.0] = $1.1
            }
        }
    }

    @Test func `brief reads of one moment and the same settings are one transaction`() async throws
    {
        let names = LocalSettings.Names(["request.path"])
        let reads = (0..<8).map { _ in Self.read("SELECT \(Self.transaction)", under: names) }
        let told = try await withDatabase { database, _ in
            await Self.perform(reads, by: database)
        }
        #expect(Set(told).count == 1)
        #expect(told[0]?.contains("@") == true)
    }

    @Test func `other settings, or the unknown, are by themselves`() async throws {
        let names = LocalSettings.Names(["request.path"])
        let sql = "SELECT current_setting('request.path') || ' ' || \(Self.transaction)"
        let reads =
            (0..<6).map { Self.read(sql, under: names, "/\($0 % 3)") }
            + [Self.read(sql, Sharing { _ in false }, under: names, "/0"), Self.read(sql, nil)]
        let told = try await withDatabase { database, _ in
            await Self.perform(reads, by: database)
        }
        #expect(told.map { $0?.prefix(2) } == ["/0", "/1", "/2", "/0", "/1", "/2", "/0", "/ "])
        #expect(told[0] == told[3])
        #expect(Set(told).count == 5)
    }

    @Test func `what one of them refuses, the others do not notice`() async throws {
        let names = LocalSettings.Names(["request.path"])
        let told = try await withDatabase { database, _ in
            await Self.perform(
                ["SELECT 1", "SELECT 1/0", "SELECT 3", "SELECT nonsense", "SELECT 5"]
                    .map { Self.read($0, under: names) },
                by: database
            )
        }
        #expect(told == ["1", "22012", "3", "42703", "5"])
    }

    @Test func `a value that cannot be sent is refused to who sent it`() async throws {
        let names = LocalSettings.Names(["request.path"])
        var nul = Self.read("SELECT $1::text", under: names)
        nul.statements[0].parameters = Parameters(["a\0b"])
        let reads = [Self.read("SELECT 1", under: names), nul, Self.read("SELECT 3", under: names)]
        let told = try await withDatabase { [reads] database, _ in
            await Self.perform(reads, by: database)
        }
        #expect(told == ["1", "22021", "3"])
    }

    @Test func `a setting that all of them would refuse is refused to each`() async throws {
        let names = LocalSettings.Names(["role"])
        let told = try await withDatabase { database, _ in
            await Self.perform(
                (0..<3).map { _ in Self.read("SELECT 1", under: names, "nobody_of_this_name") },
                by: database
            )
        }
        #expect(told == ["22023", "22023", "22023"])
    }

    @Test func `settings that one leaves are not another's`() async throws {
        let names = LocalSettings.Names(["request.path"])
        let set = "SELECT 'set', set_config('response.status', '418', true)"
        let look =
            "SELECT coalesce(s, 'none'), s "
            + "FROM (SELECT nullif(current_setting('response.status', true), '') AS s) AS found"
        let culprit = Self.brief()
        let reads = [
            Self.read(look, under: names), Self.read(set, culprit, under: names),
            Self.read(look, under: names), Self.read(look, under: names),
        ]
        try await withDatabase { database, _ in
            let told = await Self.perform(reads, by: database)
            #expect(told == ["none", "set", "none", "none"])
            #expect(!culprit.isAllowed)
        }
    }

    @Test func `one that turns out slow is by itself from then on`() async throws {
        let sharing = Self.brief()
        try await withDatabase { database, context in
            _ = try await database.perform(
                Self.read("SELECT pg_sleep(0.2)", sharing),
                in: context
            )
        }
        #expect(!sharing.isAllowed)
    }

    @Test func `the rest go on while a group waits for a lock`() async throws {
        let names = LocalSettings.Names(["request.path"])
        let server = try PostgresServer.shared.get()
        _ = try server.psql("DROP TABLE IF EXISTS locked; CREATE TABLE locked AS SELECT 1 AS id")
        try await withDatabase { database, _ in
            let lock = Task {
                try? server.psql("BEGIN; LOCK locked; SELECT pg_sleep(60); COMMIT")
            }
            var isLocked = false
            while !isLocked {
                isLocked =
                    try server.psql(
                        "SELECT count(*) FROM pg_locks WHERE relation = 'locked'::regclass"
                    )
                    .contains("1")
            }
            let stuck = Task(executorPreference: EventLoop.current) {
                await Self.perform(
                    (0..<4).map { Self.read("SELECT id FROM locked", under: names, "/\($0)") },
                    by: database
                )
            }
            let free = await Self.perform([Self.read("SELECT 2", under: names, "/")], by: database)
            #expect(free == ["2"])
            _ = try server.psql(
                "SELECT pg_cancel_backend(pid) FROM pg_locks "
                    + "WHERE relation = 'locked'::regclass AND mode = 'AccessExclusiveLock'"
            )
            #expect(await stuck.value == ["1", "1", "1", "1"])
            _ = await lock.value
        }
    }

    @Test func `when their backend is killed, all are read again`() async throws {
        let names = LocalSettings.Names(["request.path"])
        let server = try PostgresServer.shared.get()
        let kill =
            "SELECT 1 FROM (SELECT pg_sleep(CASE WHEN pg_backend_pid() = $pid THEN 30 ELSE 0 END)) AS s"
        try await withDatabase { database, context in
            let own = try await database.perform(
                Self.read("SELECT pg_backend_pid()", nil),
                in: context
            )
            let pid = own[0].integer(0, 0) ?? 0
            let sql = kill.replacing("$pid", with: String(pid))
            let killer = Task {
                try server.psql("SELECT pg_sleep(0.3), pg_terminate_backend(\(pid))")
            }
            let told = await Self.perform(
                (0..<4).map { _ in Self.read(sql, under: names) },
                by: database
            )
            #expect(told == ["1", "1", "1", "1"])
            _ = try await killer.value
        }
    }

    @Test func `a caller who leaves takes nobody along`() async throws {
        let names = LocalSettings.Names(["request.path"])
        try await withDatabase { database, _ in
            let cancellation = Cancellation()
            let leaving = Task(executorPreference: EventLoop.current) {
                try await database.perform(
                    Self.read("SELECT pg_sleep(0.1)", under: names),
                    in: request(cancellation)
                )
            }
            let staying = Task(executorPreference: EventLoop.current) {
                await Self.perform([Self.read("SELECT 2", under: names)], by: database)
            }
            await EventLoop.current?.rest()
            cancellation.cancel()
            #expect(await staying.value == ["2"])
            _ = await leaving.result
        }
    }
}
