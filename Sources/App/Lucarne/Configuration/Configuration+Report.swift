// SPDX-License-Identifier: Apache-2.0
internal import Cryptography
internal import JSONCoding

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
                value: name.contains("secret") ? mask : entry.text,
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

    /// A database's URL without its password, in both of libpq's notations.
    package static func withoutPassword(_ url: String) -> String {
        if url.hasPrefix("@") { return url }
        var result = url
        if let scheme = result.firstRange(of: "://"),
            let at = result[scheme.upperBound...].prefix(while: { $0 != "/" && $0 != "?" })
                .lastIndex(of: "@"),
            let colon = result[scheme.upperBound..<at].firstIndex(of: ":")
        {
            result.replaceSubrange(result.index(after: colon)..<at, with: mask)
        }
        if let word = result.firstRange(of: "password=") {
            let end = result[word.upperBound...].firstIndex { $0 == " " || $0 == "&" }
            result.replaceSubrange(word.upperBound..<(end ?? result.endIndex), with: mask)
        }
        return result
    }
}

private let mask = "********"
