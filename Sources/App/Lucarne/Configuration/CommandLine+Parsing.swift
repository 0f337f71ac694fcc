// SPDX-License-Identifier: Apache-2.0

/// A command line, taken apart: what to do, which settings it gives, and the command's own options.
package struct Invocation: Sendable, Equatable {
    package enum Command: String, CaseIterable, Sendable {
        case serve, migrate, config, token, doctor, healthcheck, telemetry, version, help
    }

    package var command: Command
    package var flags: [SettingKey: String] = [:]
    package var configFile: String?
    /// The word after a command that does several things.
    package var action: String?
    /// By name; an option without a value has an empty one.
    package var options: [String: String] = [:]

    package init(command: Command) { self.command = command }
}

extension Invocation.Command {
    /// The options that only this command has; true: a value follows.
    package var options: [String: Bool] {
        switch self {
        case .serve, .doctor, .help, .version: [:]
        case .migrate: ["check": false]
        case .config: ["json": false]
        case .token: ["role": true, "claims": true, "expires": true, "subject": true]
        case .healthcheck: ["timeout": true, "live": false]
        case .telemetry:
            [
                "prometheus": true, "loki": true, "json": false, "strict": false, "range": true,
                "tenant": true, "token": true, "namespace": true,
                "job": true, "instance": true, "into": true, "runbooks": true,
            ]
        }
    }

    /// What can follow the command, where it does several things.
    package var actions: [String] {
        self == .telemetry ? ["verify", "write"] : []
    }
}

extension Invocation {
    /// Without a command: `help`. `--help` and `--version` anywhere win.
    package init(parsing arguments: [String]) throws(ConfigurationFailure) {
        self.init(command: .help)
        if arguments.contains("--help") || arguments.contains("-h") { return }
        if arguments.contains("--version") {
            command = .version
            return
        }
        var rest = arguments[...]
        if let word = rest.first {
            guard let command = Command(rawValue: word) else {
                let names = Command.allCases.map(\.rawValue)
                let hint = Suggestion.didYouMean(word, among: names)
                throw ConfigurationFailure("unknown command '\(word)'\(hint)")
            }
            self.command = command
            rest = rest.dropFirst()
        }
        if !command.actions.isEmpty {
            action = rest.popFirst()
            guard let action, command.actions.contains(action) else {
                let choices = command.actions.joined(separator: " or ")
                throw ConfigurationFailure("\(command.rawValue) what? \(choices)")
            }
        }
        while let argument = rest.popFirst() { try take(argument, &rest) }
    }

    private mutating func take(
        _ argument: String,
        _ rest: inout ArraySlice<String>
    ) throws(ConfigurationFailure) {
        guard argument.hasPrefix("--"), argument.count > 2 else {
            throw ConfigurationFailure("unexpected argument '\(argument)'")
        }
        let body = argument.dropFirst(2)
        let equals = body.firstIndex(of: "=")
        let name = String(body[..<(equals ?? body.endIndex)])
        let attached = equals.map { String(body[body.index(after: $0)...]) }

        if let takesValue = command.options[name] {
            guard !takesValue, attached == nil else {
                options[name] = try value(of: name, attached, &rest)
                return
            }
            options[name] = ""
        } else if name == "config" {
            configFile = try value(of: name, attached, &rest)
        } else if let key = SettingKey(rawValue: name) {
            flags[key] = try value(of: name, attached, &rest)
        } else {
            let known = SettingKey.allCases.map(\.rawValue) + command.options.keys + ["config"]
            let hint = Suggestion.closest(to: name, among: known).map { "; did you mean --\($0)?" }
            throw ConfigurationFailure("unknown flag --\(name)\(hint ?? "")")
        }
    }

    private func value(
        of name: String,
        _ attached: String?,
        _ rest: inout ArraySlice<String>
    ) throws(ConfigurationFailure) -> String {
        if let attached { return attached }
        guard let next = rest.popFirst(), !next.hasPrefix("--") else {
            throw ConfigurationFailure("--\(name) needs a value")
        }
        return next
    }
}
