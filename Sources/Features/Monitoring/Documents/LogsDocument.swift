// SPDX-License-Identifier: Apache-2.0
internal import Telemetry

/// `docs/logs.md`: what a record holds, and which records there are.
package enum LogsDocument {
    package static var text: String {
        introduction + "\n" + table(["level", "OpenTelemetry severity"], levels) + "\n"
            + table(["event", "level", "meaning"], events) + ending
    }

    private static let introduction = """
        # Logs

        Written by `lucarne telemetry write` from the declarations in the code.

        One record a line, UTF-8, members in this order: `time`, `level`, `msg`, `event`,
        `logger`, `seq`, `service.name`, `service.version`, `service.instance.id`, then `trace_id`,
        `span_id` and `trace_flags` where there is a request, then the event's own fields, called as
        OpenTelemetry calls them. `seq` has no gaps in what a process makes: a gap in what is read is
        a loss, and each loss is counted in `lucarne_log_records_dropped_total`.

        A value whose name has a secret's words in it (`client_secret`, `authorization`, `X-Amz-Signature`,
        …, and those in `LUCARNE_REDACT_KEYS`) and what looks like a token or a connection's password
        is replaced before it is queued, and in the traces that are kept.


        """

    private static var levels: [[String]] {
        LogLevel.allCases.map { [$0.label.text, "\($0.severityNumber)"] }
    }

    private static var events: [[String]] {
        LogEvent.all.map { ["`\($0.name)`", $0.level, $0.meaning] }
    }

    private static var ending: String {
        let modules = LogModule.allCases.map { "`\($0.label.text)`" }.joined(separator: ", ")
        let formats = LogFormat.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
        let reasons = LogDropReason.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
        let rules = Redaction.Rule.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
        return """

            - `logger`, and the unit whose level `POST /debug/log-level` changes: \(modules)
            - formats: \(formats)
            - reasons why a record is not delivered: \(reasons)
            - rules by which a value is redacted: \(rules)

            Loki gets the same lines, in streams of four labels: `service_name` (`lucarne`), `level`, `env`
            and `instance` (host and process id). `logger` and, where there is one, `trace_id` go with each
            record as structured metadata: `{service_name="lucarne"} | trace_id="…"` needs no parser.

            """
    }

    private static func table(_ head: [String], _ rows: [[String]]) -> String {
        ([head, head.map { _ in "---" }] + rows).map { row in
            "| " + row.joined(separator: " | ") + " |\n"
        }.joined()
    }
}
