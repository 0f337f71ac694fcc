// SPDX-License-Identifier: Apache-2.0
import Glibc
import JSONCoding
import PostgresClient
import Telemetry

/// What this process was built with, and what it runs on: the head of every bug report.
enum Build {
    static func facts(_ telemetry: Telemetry) -> [(String, JSONValue)] {
        let age = uptimeNanoseconds() &- telemetry.startedAt
        let library = BlockingSession.libpqVersion
        return [
            ("swift", .string(ServiceIdentity.swiftVersion)),
            ("postgres", .string(telemetry.databaseVersion)),
            ("libpq", .string("\(library / 10_000).\(library % 10_000)")),
            ("system", .string(system)),
            ("process", .number("\(getpid())")),
            ("started", .string(internetTime(wallNanoseconds() &- age))),
            ("uptime_seconds", .number("\(age / 1_000_000_000)")),
        ]
    }

    /// `Linux 6.1.0 x86_64`
    private static var system: String {
        var name = utsname()
        guard unsafe uname(&name) == 0 else { return "unknown" }
        return unsafe [text(&name.sysname), text(&name.release), text(&name.machine)]
            .joined(separator: " ")
    }

    /// A tuple of characters that ends with a zero.
    @unsafe private static func text<Characters>(_ characters: inout Characters) -> String {
        unsafe withUnsafeBytes(of: &characters) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
