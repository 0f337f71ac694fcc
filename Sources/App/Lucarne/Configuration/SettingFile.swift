// SPDX-License-Identifier: Apache-2.0

/// Reads the two kinds of files that hold settings: `.env`, and PostgREST's `key = value`.
enum SettingFile {
    /// `.env` files are shared with other programs: what is not ours is passed over.
    static func parseEnvironment(
        _ text: String,
        path: String
    ) throws(ConfigurationFailure) -> SettingValues {
        var values = SettingValues()
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            let source = SettingSource.file(path, line: index + 1)
            let body = line.hasPrefix("export ") ? line.dropFirst(7).trimmed : line
            guard let equals = body.firstIndex(of: "=") else {
                throw ConfigurationFailure("\(path):\(index + 1): expected NAME=value")
            }
            let name = body[..<equals].trimmed
            let value = unquoted(body[body.index(after: equals)...].trimmed)
            try SettingEnvironment.take(name, value, from: source, into: &values)
        }
        return values
    }

    /// PostgREST's file, where our own names are welcome as well.
    static func parsePostgREST(
        _ text: String,
        path: String
    ) throws(ConfigurationFailure) -> SettingValues {
        var values = SettingValues()
        var listener = PostgRESTListener()
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            let source = SettingSource.file(path, line: index + 1)
            guard let equals = line.firstIndex(of: "=") else {
                throw ConfigurationFailure("\(path):\(index + 1): expected name = value")
            }
            let name = line[..<equals].trimmed
            let value = unescaped(line[line.index(after: equals)...].trimmed)
            if listener.take(name, value) { continue }
            try take(name, value, from: source, into: &values)
        }
        listener.finish(into: &values, path: path)
        return values
    }

    private static func take(
        _ name: String,
        _ value: String,
        from source: SettingSource,
        into values: inout SettingValues
    ) throws(ConfigurationFailure) {
        if name.hasPrefix("app.settings.") {
            return values.setApp(name, value, from: source)
        }
        if withoutEffect.contains(name) { return }
        let modern = aliases[name] ?? name
        guard let key = SettingKey.named(postgrest: modern) ?? SettingKey(rawValue: modern) else {
            let names = SettingKey.allCases.flatMap { [$0.rawValue, $0.postgrestName ?? ""] }
            throw ConfigurationFailure(
                "\(source): unknown setting '\(name)'"
                    + Suggestion.didYouMean(name, among: names)
            )
        }
        let levels = ["crit": "critical", "warn": "warning"]
        values.set(key, key == .logLevel ? levels[value] ?? value : value, from: source)
    }

    /// What PostgREST has and we decide for ourselves.
    private static let withoutEffect: Set = [
        "admin-server-unix-socket", "admin-server-unix-socket-mode", "server-unix-socket-mode",
        "server-reuseport", "db-pool-automatic-recovery", "log-query",
    ]

    private static let aliases = [
        "db-schema": "db-schemas", "max-rows": "db-max-rows", "pre-request": "db-pre-request",
        "root-spec": "db-root-spec", "role-claim-key": "jwt-role-claim-key",
        "secret-is-base64": "jwt-secret-is-base64", "db-pool-timeout": "db-pool-max-idletime",
    ]

    private static func unquoted(_ text: String) -> String {
        if text.count >= 2, text.hasPrefix("'"), text.hasSuffix("'") {
            return String(text.dropFirst().dropLast())
        }
        if text.hasPrefix("\"") { return unescaped(text) }
        // An unquoted value ends where a comment begins.
        return text.firstRange(of: " #").map { text[..<$0.lowerBound].trimmed } ?? text
    }

    /// The contents of a double-quoted string, or the bare word before a comment.
    private static func unescaped(_ text: String) -> String {
        guard text.hasPrefix("\"") else {
            return text.firstIndex(of: "#").map { text[..<$0].trimmed } ?? text
        }
        var result = ""
        var isEscaped = false
        for character in text.dropFirst() {
            if isEscaped {
                result.append(["n": "\n", "t": "\t", "r": "\r"][character] ?? character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                break
            } else {
                result.append(character)
            }
        }
        return result.replacing("$$", with: "$")
    }
}

/// PostgREST says host, port and socket apart; we say one address.
private struct PostgRESTListener {
    private var host: String?
    private var port: String?
    private var socket: String?
    private var adminHost: String?
    private var adminPort: String?

    private var isGiven: Bool { host != nil || port != nil || socket != nil }

    mutating func take(_ name: String, _ value: String) -> Bool {
        switch name {
        case "server-host": host = plain(value)
        case "server-port": port = value
        case "server-unix-socket": socket = value
        case "admin-server-host": adminHost = plain(value)
        case "admin-server-port": adminPort = value
        default: return false
        }
        return true
    }

    func finish(into values: inout SettingValues, path: String) {
        // Several lines make one address: the file as a whole is where it came from.
        let source = isGiven ? SettingSource.file(path, line: nil) : .standard
        if values[.address] == nil {
            let address = socket.map { "unix:\($0)" } ?? join(host, port ?? "3000")
            values.set(.address, address, from: source)
        }
        if let adminPort, values[.operationsAddress] == nil {
            let address = join(adminHost ?? host, adminPort)
            values.set(.operationsAddress, address, from: .file(path, line: nil))
        }
    }

    /// Warp's names for "any": `*`, `*4`, `!4`, `*6`, `!6`.
    private func plain(_ host: String) -> String {
        switch host {
        case "*", "*4", "!4": "0.0.0.0"
        case "*6", "!6": "::"
        default: host
        }
    }

    private func join(_ host: String?, _ port: String) -> String {
        let host = host ?? "127.0.0.1"
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}
