// SPDX-License-Identifier: Apache-2.0
internal import Cryptography

/// One file of SQL that takes the schema a step forward.
package struct Migration: Sendable, Equatable {
    /// The file's name, which also is its place in the order.
    package let name: String
    package let sql: String
    package let checksum: String

    package init(name: String, sql: String) {
        self.name = name
        self.sql = sql
        // A checkout on another system may have other line ends: they change nothing.
        let text = sql.replacing("\r\n", with: "\n")
        checksum = Digest.sha256.hash(Array(text.utf8)).hexadecimal
    }

    /// The `*.sql` files of a directory, by name. No directory: no migrations.
    static func read(from directory: String) throws(StartFailure) -> [Migration] {
        var files: [(name: String, contents: [UInt8])] = []
        do throws(FileFailure) {
            guard Files.exists(directory) else { return [] }
            for name in try Files.list(directory) where name.hasSuffix(".sql") {
                guard !name.hasPrefix(".") else { continue }
                files.append((name, try Files.read(directory + "/" + name)))
            }
        } catch {
            throw StartFailure("migrations: cannot read \(error)")
        }
        return try files.map { name, contents throws(StartFailure) in
            // What was repaired, or ended at a NUL as libpq's strings do, is not what was written.
            guard let sql = String(validating: contents, as: UTF8.self), !contents.contains(0)
            else { throw StartFailure("migration \(name) is not text in UTF-8") }
            return Migration(name: name, sql: sql)
        }
    }

    /// Which of them are still to be applied, given what was.
    ///
    /// Forward only: what was applied must not change, and nothing may come before it.
    static func pending(
        _ migrations: [Migration],
        applied: [String: String]
    ) throws(StartFailure) -> [Migration] {
        var pending: [Migration] = []
        let last = migrations.last { applied[$0.name] != nil }?.name
        for migration in migrations {
            if let checksum = applied[migration.name] {
                guard checksum == migration.checksum else {
                    throw StartFailure(
                        "migration \(migration.name) was edited after it was applied: "
                            + "restore it, and put the change into a new file"
                    )
                }
            } else if let last, migration.name < last {
                throw StartFailure(
                    "migration \(migration.name) comes before \(last), which is applied already: "
                        + "give it a later name"
                )
            } else {
                pending.append(migration)
            }
        }
        return pending
    }

    /// The line of a character (counted from 1, as PostgreSQL reports it).
    func line(ofCharacter position: Int) -> Int {
        sql.unicodeScalars.prefix(max(0, position - 1)).count { $0 == "\n" } + 1
    }
}
