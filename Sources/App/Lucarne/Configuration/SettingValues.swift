// SPDX-License-Identifier: Apache-2.0
internal import Cryptography
package import EventLoop

/// Where a value came from, as `lucarne config` shows it.
package enum SettingSource: Sendable, Equatable, CustomStringConvertible {
    case flag
    case variable(String)
    case file(String, line: Int?)
    case database
    case standard
    case generated(String)

    package var description: String {
        switch self {
        case .flag: "flag"
        case .variable(let name): "environment \(name)"
        case .file(let path, let line): line.map { "\(path):\($0)" } ?? path
        case .database: "database"
        case .standard: "default"
        case .generated(let path): "generated, \(path)"
        }
    }
}

/// The texts of all settings, each with its source, and the one way to read them as something.
package struct SettingValues: Sendable {
    package struct Entry: Sendable, Equatable {
        package var text: String
        package var source: SettingSource
    }

    package private(set) var entries: [SettingKey: Entry] = [:]
    package private(set) var appSettings: [String: Entry] = [:]

    package init() {}

    package subscript(_ key: SettingKey) -> Entry? { entries[key] }

    package mutating func set(_ key: SettingKey, _ text: String, from source: SettingSource) {
        entries[key] = Entry(text: text, source: source)
    }

    package mutating func setApp(_ name: String, _ text: String, from source: SettingSource) {
        appSettings[name] = Entry(text: text, source: source)
    }

    /// What this has counts; what it lacks comes from `lower`.
    package mutating func fill(from lower: SettingValues) {
        entries.merge(lower.entries) { own, _ in own }
        appSettings.merge(lower.appSettings) { own, _ in own }
    }

    /// Takes these settings, and all of applications', from elsewhere.
    mutating func replace(with other: SettingValues, _ isMeant: (SettingKey) -> Bool) {
        entries = entries.filter { !isMeant($0.key) }
        entries.merge(other.entries.filter { isMeant($0.key) }) { $1 }
        appSettings = other.appSettings
    }

    package mutating func fillDefaults(likePostgREST: Bool) {
        for setting in Setting.all where entries[setting.key] == nil {
            guard let text = setting.fallback(likePostgREST: likePostgREST) else { continue }
            set(setting.key, text, from: .standard)
        }
    }
}

extension SettingValues {
    /// Nil when unset or empty.
    package func text(_ key: SettingKey) -> String? {
        entries[key].flatMap { $0.text.isEmpty ? nil : $0.text }
    }

    package func list(_ key: SettingKey) -> [String] {
        guard let text = text(key) else { return [] }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmed }
    }

    package func flag(_ key: SettingKey) throws(ConfigurationFailure) -> Bool {
        guard let text = text(key) else { return false }
        switch text.lowercased() {
        case "on", "true", "yes", "1": return true
        case "off", "false", "no", "0": return false
        default: throw malformed(key, "on or off")
        }
    }

    package func integer(_ key: SettingKey) throws(ConfigurationFailure) -> Int? {
        guard let text = text(key) else { return nil }
        guard case .integer(let range) = Setting.of(key)?.kind, let number = Int(text),
            range.contains(number)
        else { throw malformed(key, expectedInteger(key)) }
        return number
    }

    /// As a share: 0.999 for 99.9.
    package func share(_ key: SettingKey) throws(ConfigurationFailure) -> Double {
        // 0.999, not 0.9990000000000001: what is shown should be what was meant.
        let share = Double(text(key) ?? "").map { ($0 * 1e8).rounded() / 1e10 } ?? 0
        guard share > 0, share < 1 else {
            throw malformed(key, "a percentage above 0 and below 100")
        }
        return share
    }

    package func duration(_ key: SettingKey) throws(ConfigurationFailure) -> Duration {
        guard let text = text(key) else { return .zero }
        guard let duration = Self.duration(text) else {
            throw malformed(key, "a duration like 500ms, 30s, 5m or 1h, of at most a year")
        }
        return duration
    }

    static func duration(_ text: String) -> Duration? {
        let units: [(String, Duration)] = [
            ("ms", .milliseconds(1)), ("s", .seconds(1)), ("m", .seconds(60)),
            ("h", .seconds(3600)), ("", .seconds(1)),
        ]
        for (suffix, unit) in units where text.hasSuffix(suffix) {
            // Nanoseconds, which all become, have no room for centuries.
            guard let number = Int(text.dropLast(suffix.count)), 0...31_536_000_000 ~= number,
                unit * number <= .seconds(31_536_000)
            else { break }
            return unit * number
        }
        return nil
    }

    package func bytes(_ key: SettingKey) throws(ConfigurationFailure) -> Int {
        guard let text = text(key) else { return 0 }
        for (suffix, unit) in [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("", 1)]
        where text.hasSuffix(suffix) {
            guard let number = Int(text.dropLast(suffix.count)), 1...(1 << 30) ~= number else {
                break
            }
            return number * unit
        }
        throw malformed(key, "a size like 65536, 64KiB or 16MiB")
    }

    package func choice<Choice: RawRepresentable<String>>(
        _ key: SettingKey,
        _ type: Choice.Type = Choice.self
    ) throws(ConfigurationFailure) -> Choice {
        let text = text(key) ?? ""
        guard let choice = Choice(rawValue: text) else {
            throw malformed(key, choices(key).joined(separator: ", "))
        }
        return choice
    }

    package func oneOf(_ key: SettingKey) throws(ConfigurationFailure) -> String {
        let text = text(key) ?? ""
        guard choices(key).contains(text) else {
            throw malformed(key, choices(key).joined(separator: ", "))
        }
        return text
    }

    package func address(_ key: SettingKey) throws(ConfigurationFailure) -> SocketAddress? {
        guard let text = text(key) else { return nil }
        guard let address = try? SocketAddress(parsing: text) else {
            throw malformed(key, "host:port, [ipv6]:port or unix:path")
        }
        return address
    }

    func rolePath(_ key: SettingKey) throws(ConfigurationFailure) -> RolePath {
        guard let text = text(key) else { return .standard }
        do throws(RolePathFailure) {
            return try RolePath(parsing: text)
        } catch {
            throw malformed(key, "a path like $.role ('\(error)')")
        }
    }

    package func malformed(_ key: SettingKey, _ expected: String) -> ConfigurationFailure {
        let entry = entries[key]
        let isSecret = Setting.of(key)?.isSecret ?? false
        let value = isSecret ? "its value" : "'\(entry?.text ?? "")'"
        let source = entry.map { " (from \($0.source))" } ?? ""
        return ConfigurationFailure("\(key.rawValue): \(value) is not \(expected)\(source)")
    }

    private func choices(_ key: SettingKey) -> [String] {
        if case .choice(let choices) = Setting.of(key)?.kind { choices } else { [] }
    }

    private func expectedInteger(_ key: SettingKey) -> String {
        guard case .integer(let range) = Setting.of(key)?.kind else { return "a number" }
        return range.upperBound == Int.max
            ? "a number from \(range.lowerBound) up"
            : "a number from \(range.lowerBound) to \(range.upperBound)"
    }
}

extension StringProtocol {
    var trimmed: String {
        let start = drop { $0.isWhitespace }
        guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(start[...end])
    }
}
