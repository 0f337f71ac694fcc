// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// A real PostgreSQL in a folder of its own, for one test process: it stops, and its folder
/// goes, when this process ends in whatever way.
package final class PostgresServer: Sendable {
    package struct Failure: Error { let reason: String }

    package static let shared = Result { try PostgresServer() }

    package let directory: String
    private let keeper: Process
    private let lifeline: Pipe

    /// A libpq connection string for a database of this server.
    package func connection(database: String = "postgres", user: String = "postgres") -> String {
        "host=\(directory)/socket port=5432 user=\(user) dbname=\(database)"
    }

    package init() throws {
        let template = "\(NSTemporaryDirectory())lucarne-test-\(UInt64.random(in: 0 ... .max))"
        directory = template
        let pipe = Pipe()
        // Only this process holds the lifeline: a child that kept it would keep the server.
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, FD_CLOEXEC)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", Self.script, "bash", template]
        process.standardInput = pipe
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        keeper = process
        lifeline = pipe
        var seen = Data()
        while let line = try output.fileHandleForReading.read(upToCount: 1), !line.isEmpty {
            seen.append(line)
            if seen.last == UInt8(ascii: "\n") { break }
        }
        guard String(decoding: seen, as: UTF8.self) == "ready\n" else {
            throw Failure(reason: "PostgreSQL did not start: is Debian's postgresql installed?")
        }
    }

    /// Ends every connection and the server, as `kill -9` of the postmaster does.
    package func kill() throws { try run("kill -9 $(head -1 data/postmaster.pid); sleep 0.2") }

    /// The process that takes connections.
    package func postmaster() throws -> Int32 {
        let text = try String(contentsOfFile: directory + "/data/postmaster.pid", encoding: .utf8)
        guard let number = text.split(separator: "\n").first.flatMap({ Int32($0) }) else {
            throw Failure(reason: "no process id")
        }
        return number
    }

    /// Starts the server again after `kill`.
    package func restart() throws {
        try run("rm -f data/postmaster.pid socket/.s*; \(Self.start)")
    }

    /// Runs SQL as the superuser and returns what psql prints, unaligned.
    @discardableResult
    package func psql(_ sql: String, database: String = "postgres") throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", connection(database: database),
            "-c", sql,
        ]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(
            decoding: output.fileHandleForReading.readDataToEndOfFile(),
            as: UTF8.self
        )
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Failure(reason: text) }
        return text.trimmingCharacters(in: .newlines)
    }

    // Foundation's Process waits until all who inherited its descriptors are gone, so it would
    // wait for a server started here: waitpid(2) waits for the shell.
    private func run(_ command: String) throws {
        // Nor may a server hold the pipe of a command that happens to run now: whoever reads from
        // that would wait for the server's end.
        let alone =
            #"for fd in /proc/self/fd/*; do fd=${fd##*/}; "#
            + #"[ "$fd" -le 2 ] || eval "exec $fd>&-"; done; "#
        let words = ["/bin/bash", "-c", alone + Self.prelude + command, "bash", directory]
        let arguments = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for index in words.indices { unsafe free(arguments[index]) } }
        var child = pid_t()
        guard unsafe posix_spawn(&child, words[0], nil, nil, arguments, environ) == 0 else {
            throw Failure(reason: "no shell")
        }
        var status: Int32 = 0
        guard unsafe waitpid(child, &status, 0) == child, status == 0 else {
            throw Failure(reason: "\(command) ended with \(status)")
        }
    }

    // PostgreSQL refuses to run as root.
    private static let prelude = """
        set -u; cd "$1"; bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
        as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }

        """
    private static let start = """
        as "$bin/pg_ctl" -D data -l log -w -o "-c listen_addresses= -c wal_level=logical \
        -c unix_socket_directories=$PWD/socket -c fsync=off -c max_connections=200 \
        -c shared_preload_libraries=pg_stat_statements" start >/dev/null </dev/null

        """
    private static let script = """
        mkdir -p "$1/socket"; [ "$(id -u)" = 0 ] && chown -R postgres "$1"
        \(prelude)as "$bin/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log.initdb
        \(start)
        echo ready; cat >/dev/null
        as "$bin/pg_ctl" -D data -m immediate stop; cd /; rm -rf "$1"
        """
}
