// SPDX-License-Identifier: Apache-2.0

/// PostgREST's settings under its own names, of its file and its variables.
struct PostgRESTSettings {
    private struct Entry {
        let value: String
        let source: SettingSource

        var isVariable: Bool {
            if case .variable = source { true } else { false }
        }
    }

    /// By the newest of its names.
    private var entries: [String: Entry] = [:]
    private var appSettings: [String: Entry] = [:]
    /// What other settings were made with.
    private var referenced: Set<String> = []

    private static let prefix = "PGRST_"
    private static let appPrefix = "app.settings."

    static func isVariable(_ name: String) -> Bool { name.hasPrefix(prefix) }

    /// A file and those that it imports, where our own names are welcome as well.
    mutating func read(
        _ path: String,
        in group: String = "",
        importedBy importer: SettingSource? = nil,
        depth: Int = 0,
        _ surroundings: Configuration.Surroundings
    ) throws(ConfigurationFailure) {
        let asker = importer?.description ?? "--config"
        guard let text = try surroundings.readFile(path) else {
            throw ConfigurationFailure("\(asker): no such file: \(path)")
        }
        guard depth < 16 else { throw ConfigurationFailure("\(asker): imports without an end") }
        for statement in try PostgRESTFile(parsing: text, path: path).statements {
            let source = SettingSource.file(path, line: statement.line)
            let group = group + statement.group
            switch statement.kind {
            case .file(let other):
                let directory = path[
                    ..<(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)
                ]
                try read(
                    other.hasPrefix("/") ? other : directory + other,
                    in: group,
                    importedBy: source,
                    depth: depth + 1,
                    surroundings
                )
            case .setting(let name, var value, let isQuoted):
                if isQuoted {
                    value = try interpolated(value, in: group, surroundings.variables, source)
                }
                set(group + name, Entry(value: value, source: source))
            }
        }
    }

    /// `PGRST_DB_URI` for `db-uri`: they count for more than the file. What is no setting is passed
    /// over, as PostgREST does.
    mutating func read(_ variables: [String: String]) {
        for (variable, value) in variables.sorted(by: { $0.key < $1.key })
        where Self.isVariable(variable) {
            let entry = Entry(value: value, source: .variable(variable))
            let rest = variable.dropFirst(Self.prefix.count)
            if rest.hasPrefix("APP_SETTINGS_") {
                set(Self.appPrefix + rest.dropFirst(13), entry)
                continue
            }
            let name = rest.lowercased().replacing("_", with: "-")
            let modern = Self.aliases[name] ?? name
            if SettingKey.named(postgrest: modern) != nil || Listener.names.contains(modern) {
                set(name, entry)
            }
        }
    }

    /// An older name yields to the newer one.
    private mutating func set(_ name: String, _ entry: Entry) {
        if name.hasPrefix(Self.appPrefix) {
            appSettings[name] = entry
        } else if let modern = Self.aliases[name] {
            if entries[modern]?.isVariable != entry.isVariable { entries[modern] = entry }
        } else {
            entries[name] = entry
        }
    }

    /// `$(NAME)` is a setting further up, of this group or one around it, or a variable; `$$` is a
    /// dollar.
    private mutating func interpolated(
        _ text: String,
        in group: String,
        _ variables: [String: String],
        _ source: SettingSource
    ) throws(ConfigurationFailure) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            guard rest.first == "(", let end = rest.firstIndex(of: ")") else {
                result.append("$")
                if rest.first == "$" { rest.removeFirst() }
                continue
            }
            let name = String(rest.dropFirst().prefix(upTo: end))
            guard let value = value(of: name, in: group) ?? variables[name] else {
                throw ConfigurationFailure("\(source): no such variable: '\(name)'")
            }
            result += value
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private mutating func value(of name: String, in group: String) -> String? {
        var groups = group.split(separator: ".")
        while true {
            let full = (groups + [name[...]]).joined(separator: ".")
            if let entry = entries[Self.aliases[full] ?? full] ?? appSettings[full] {
                referenced.insert(full)
                return entry.value
            }
            if groups.popLast() == nil { return nil }
        }
    }

    func values() throws(ConfigurationFailure) -> SettingValues {
        var values = SettingValues()
        for (name, entry) in appSettings { values.setApp(name, entry.value, from: entry.source) }
        var listener = Listener()
        for (name, entry) in entries.sorted(by: { $0.key < $1.key }) {
            if listener.take(name, entry.value, from: entry.source) { continue }
            // A group that is no setting's, or what a setting was made with, is there to be used.
            if Self.withoutEffect.contains(name) || name.contains(".") { continue }
            guard let key = SettingKey.named(postgrest: name) ?? SettingKey(rawValue: name) else {
                if referenced.contains(name) { continue }
                let names = SettingKey.allCases.flatMap { [$0.rawValue, $0.postgrestName ?? ""] }
                throw ConfigurationFailure(
                    "\(entry.source): unknown setting '\(name)'"
                        + Suggestion.didYouMean(name, among: names)
                )
            }
            let value = key == .logLevel ? Self.levels[entry.value] ?? entry.value : entry.value
            values.set(key, value, from: entry.source)
        }
        try listener.finish(into: &values)
        return values
    }

    private static let levels = ["crit": "critical", "warn": "warning"]

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
}

extension PostgRESTSettings {
    /// PostgREST says host, port and socket apart; we say one address.
    private struct Listener {
        static let names: Set = [
            "server-host", "server-port", "server-unix-socket", "admin-server-host",
            "admin-server-port",
        ]

        private var parts: [String: String] = [:]
        private var source: SettingSource?

        mutating func take(_ name: String, _ value: String, from source: SettingSource) -> Bool {
            guard Self.names.contains(name) else { return false }
            // Several lines make one address: the file as a whole is where it came from.
            if case .file(let path, _) = source {
                self.source = .file(path, line: nil)
            } else {
                self.source = source
            }
            parts[name] = value.isEmpty ? nil : value
            return true
        }

        func finish(into values: inout SettingValues) throws(ConfigurationFailure) {
            guard parts["admin-server-port"] != parts["server-port"] ?? "3000" else {
                throw ConfigurationFailure("admin-server-port cannot be the same as server-port")
            }
            let socket = parts["server-unix-socket"]
            let host = parts["server-host"].map(plain)
            if values[.address] == nil {
                let address =
                    socket.map { "unix:\($0)" } ?? join(host, parts["server-port"] ?? "3000")
                let isGiven = ["server-host", "server-port", "server-unix-socket"]
                    .contains { parts[$0] != nil }
                values.set(.address, address, from: isGiven ? source ?? .standard : .standard)
            }
            if let port = parts["admin-server-port"], values[.operationsAddress] == nil {
                let address = join(parts["admin-server-host"].map(plain) ?? host, port)
                values.set(.operationsAddress, address, from: source ?? .standard)
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
}
