// SPDX-License-Identifier: Apache-2.0

/// The text of `lucarne help`: the commands by hand, the settings out of their table.
package enum Help {
    package static let text = introduction + settings + ending

    private static let introduction = """
        Lucarne serves a PostgreSQL database as a backend, and shows what every layer of it does.

        usage: lucarne <command> [--<setting> <value> ...]

        commands
          serve                  Serve. Without DATABASE_URL an embedded PostgreSQL is started.
          migrate [--check]      Apply pending migrations; --check only says whether there are any
                                 (exit 1 if so).
          config [--json]        Print each effective setting and where it came from.
          token --role ROLE [--subject ID] [--claims JSON] [--expires 1h]
                                 Mint an access token for ROLE, signed with the JWT secret.
          doctor                 Say what is wrong with this set-up, and how to mend it.
          healthcheck [--live] [--timeout 2s]
                                 Ask a running server for /readyz (exit 0 if it is ready); --live: for
                                 /livez, for who replaces what is unhealthy.
          telemetry verify [--prometheus URL] [--loki URL] [--range 5m]
                                 [--namespace RE] [--job RE] [--instance RE]
                                 [--tenant ID] [--token TOKEN|@FILE] [--strict] [--json]
                                 Ask every shipped panel and rule of a Prometheus, and every panel
                                 of log records of a Loki, and say which find nothing and why (exit
                                 1 if that can be mended; --strict: also when there was no traffic).
          telemetry write [--into DIRECTORY] [--runbooks URL] [--job RE]
                                 Write the dashboards, rules and documents that ship, for the
                                 objectives in effect (--slo-…) and for the jobs that RE matches
                                 (lucarne.* unless told otherwise).
          version                Print the version.
          help                   Print this.

        Settings come from, first wins: flags, the environment, the file that --config or
        LUCARNE_CONFIG_FILE names (PostgREST's format and keys), .env.<environment>, .env, the
        defaults below. Under such a file PostgREST's own defaults hold, and REST is mounted at /.

        settings (flag, variable, meaning, [default])

        """

    private static let ending = """

          LUCARNE_REST_APP_SETTINGS_<NAME> becomes the PostgreSQL setting app.settings.<name>.

        exit codes: 0 done, 1 the answer is no, 2 the command line or the configuration is wrong

        """

    private static let settings = Setting.all.map(describe).joined()

    private static func describe(_ setting: Setting) -> String {
        let standard = setting.standard.map { $0.isEmpty ? "empty" : $0 } ?? "unset"
        var lines = "  --\(setting.key.rawValue)  \(setting.key.variable)\n"
        var line = "     "
        for word in "\(setting.help)\(choices(of: setting)) [\(standard)]".split(separator: " ") {
            if line.count + word.count > 92 {
                lines += line + "\n"
                line = "     "
            }
            line += " " + word
        }
        return lines + line + "\n"
    }

    private static func choices(of setting: Setting) -> String {
        guard case .choice(let choices) = setting.kind else { return "" }
        return " (" + choices.joined(separator: ", ") + ")"
    }
}
