// SPDX-License-Identifier: Apache-2.0
internal import Cryptography
internal import JSONCoding
internal import PostgresClient

extension Configuration {
    /// One effective setting, as it may be shown to anybody.
    package struct ReportLine: Sendable, Equatable {
        package let name: String
        package let variable: String?
        package let value: String?
        package let source: String
    }

    package var report: [ReportLine] {
        let settings = Setting.all.map { setting in
            let entry = values[setting.key]
            return ReportLine(
                name: setting.key.rawValue,
                variable: setting.key.variable,
                value: entry.map { Self.masked($0.text, of: setting) },
                source: entry.map { "\($0.source)" } ?? "unset"
            )
        }
        let own = values.appSettings.sorted { $0.key < $1.key }.map { name, entry in
            ReportLine(
                name: name,
                variable: nil,
                // What a user's own functions read is as likely as not a secret.
                value: entry.text.isEmpty ? "" : mask,
                source: "\(entry.source)"
            )
        }
        return settings + own
    }

    package var reportText: String {
        let lines = report
        let width = lines.map(\.name.count).max() ?? 0
        return lines.map { line in
            let padding = String(repeating: " ", count: width - line.name.count)
            return "\(line.name)\(padding) = \(line.value ?? "")  (\(line.source))\n"
        }.joined()
    }

    /// Tells configurations apart without telling what is in them; secrets are in it masked.
    package var fingerprint: String {
        let lines = report.map { "\($0.name)=\($0.value ?? "")\n" }.joined()
        return String(Digest.sha256.hash(Array(lines.utf8)).hexadecimal.prefix(16))
    }

    package var reportJSON: String {
        JSONValue.object(
            report.map { line in
                (
                    line.name,
                    [
                        "value": line.value.map { .string($0) } ?? nil,
                        "source": .string(line.source),
                        "variable": line.variable.map { .string($0) } ?? nil,
                    ]
                )
            }
        ).compactText
    }

    private static func masked(_ text: String, of setting: Setting) -> String {
        guard setting.isSecret, !text.isEmpty else { return text }
        return setting.key == .databaseURL ? withoutPassword(text) : mask
    }

    /// A connection string as libpq understands it, in its plainer notation, with what is secret in it
    /// masked; as it was written where nothing is. What libpq does not understand may be anything.
    package static func withoutPassword(_ url: String) -> String {
        if url.hasPrefix("@") { return url }
        guard let options = ConnectionOption.read(url), !isTorn(url) else { return mask }
        guard options.contains(where: \.isSecret) else { return url }
        return options.map { "\($0.name)=\($0.isSecret ? mask : $0.value.quotedForConnection)" }
            .joined(separator: " ")
    }

    /// Whether libpq takes a part of what is before a URL's host for something else: to it, `@` ends
    /// the credentials and `/` begins the database's name (PostgreSQL §34.1.1.2), in a password too.
    static func isTorn(_ url: String) -> Bool {
        guard let scheme = url.firstRange(of: "://"),
            ["postgresql", "postgres"].contains(url[..<scheme.lowerBound])
        else { return false }
        var rest = url[scheme.upperBound...]
        if let end = rest.firstIndex(where: { "@/".contains($0) }), rest[end] == "@" {
            rest = rest[rest.index(after: end)...]
        }
        return rest.prefix { $0 != "?" }.contains("@")
    }
}

private let mask = "********"

extension String {
    /// As a connection string has it (PostgreSQL §34.1.1.1).
    var quotedForConnection: String {
        guard isEmpty || contains(where: { $0.isWhitespace || "'\\".contains($0) }) else {
            return self
        }
        return "'\(replacing("\\", with: "\\\\").replacing("'", with: "\\'"))'"
    }
}
