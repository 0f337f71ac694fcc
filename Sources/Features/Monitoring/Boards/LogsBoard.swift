// SPDX-License-Identifier: Apache-2.0

extension Board {
    static let recordStreams = streams()

    static func streams(_ more: [String] = []) -> String {
        "{" + ([#"service_name="lucarne""#] + more).joined(separator: ",") + "}"
    }

    /// The streams that the board's variables choose.
    private static func chosen(_ more: String...) -> String {
        streams([#"env=~"$environment""#, #"instance=~"$process""#] + more)
    }

    /// Reads what the Loki sink pushes: few labels, the rest is in the line (`| json`, which writes
    /// `http.route` as `http_route`).
    static let logs = Board(
        name: "logs",
        title: "Logs",
        description: "Records as the Loki sink pushed them; a trace id opens its trace.",
        panels: [
            .graph(
                "Records by level",
                "Records per second.",
                .perSecond,
                .init("sum by (level) (rate(\(chosen())[$__auto]))", "{{level}}")
            ),
            .graph(
                "Bytes",
                "Bytes of records per second.",
                .bytesPerSecond,
                .init("sum by (instance) (bytes_rate(\(chosen())[$__auto]))", "{{instance}}")
            ),
            .graph(
                "Failed and slow requests by route",
                "Request records at level warning and above.",
                .perSecond,
                .init(
                    "sum by (http_route) (rate("
                        + chosen(#"level=~"warning|error|critical""#)
                        + " | json | event=`http.request` [$__auto]))",
                    "{{http_route}}"
                )
            ),
            .graph(
                "Slow statements",
                "By summary.",
                .perSecond,
                .init(
                    "sum by (db_query_summary) (rate(\(chosen()) | json | event=`sql.slow`"
                        + " [$__auto]))",
                    "{{db_query_summary}}"
                )
            ),
            .lines(
                "Errors",
                "Records at level error and above.",
                .init(chosen(#"level=~"error|critical""#))
            ),
            .lines("All records", "Everything, newest first.", .init(chosen())),
        ],
        source: .loki
    )
}
