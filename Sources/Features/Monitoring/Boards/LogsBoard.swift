// SPDX-License-Identifier: Apache-2.0

extension Board {
    static let recordStreams = #"{service_name="lucarne"}"#

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
                .init("sum by (level) (rate(\(recordStreams)[$__auto]))", "{{level}}")
            ),
            .graph(
                "Bytes",
                "Bytes of records per second.",
                .bytesPerSecond,
                .init("sum by (instance) (bytes_rate(\(recordStreams)[$__auto]))", "{{instance}}")
            ),
            .graph(
                "Failed and slow requests by route",
                "Request records at level warning and above.",
                .perSecond,
                .init(
                    #"sum by (http_route) (rate({service_name="lucarne","#
                        + #"level=~"warning|error|critical"}"#
                        + " | json | event=`http.request` [$__auto]))",
                    "{{http_route}}"
                )
            ),
            .graph(
                "Slow statements",
                "By summary.",
                .perSecond,
                .init(
                    "sum by (db_query_summary) (rate(\(recordStreams) | json | event=`sql.slow`"
                        + " [$__auto]))",
                    "{{db_query_summary}}"
                )
            ),
            .lines(
                "Errors",
                "Records at level error and above.",
                .init(#"{service_name="lucarne",level=~"error|critical"}"#)
            ),
            .lines("All records", "Everything, newest first.", .init(recordStreams)),
        ],
        source: .loki
    )
}
