// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Telemetry

/// What goes on right now, and what this process is.
struct InsideController: Sendable {
    let telemetry: Telemetry
    let sources: Operations.Sources

    private static let pages = [
        ("/metrics", "metrics, for Prometheus"),
        ("/metrics/catalog", "what each metric means"),
        ("/livez", "alive?"), ("/readyz?verbose", "ready, and if not, why"),
        ("/startupz", "started?"),
        ("/debug/requests", "requests being answered, with their layer and age"),
        ("/debug/traces", "traces kept: failed, slow, asked for, a sample"),
        ("/debug/sql", "statements: how often, how long, how they are planned"),
        ("/debug/slo", "objectives: error ratios, burn rates, what is left of the budget"),
        ("/debug/log-level", "levels by module; POST changes them"),
        ("/debug/logs/ledger", "records made, written, queued, dropped"),
        ("/debug/pool", "database connections"),
        ("/debug/cardinality", "families by number of series"),
        ("/debug/config", "effective settings and their sources"),
        ("/debug/build", "version and environment"),
    ]

    func index() -> Response {
        let rows = Self.pages.map { path, meaning in
            "<tr><td><a href=\"\(path)\"><code>\(path)</code></a><td>\(HTML.text(meaning))</tr>"
        }
        return Response(html: HTML.page("Inside", "<table>\(rows.joined())</table>"))
    }

    func requests() -> Response {
        let entries = telemetry.flights.entries.map { entry in
            JSONValue.object([
                ("trace_id", .string(entry.context.traceIDText)),
                ("request_id", .string(entry.requestID)),
                ("method", .string(entry.method.label.text)),
                ("route", .optional(entry.route)),
                ("layer", .string(entry.layer.label.text)),
                ("age_ms", .milliseconds(entry.ageNanoseconds)),
            ])
        }
        return Response(
            .object([("count", .integer(entries.count)), ("requests", .array(entries))])
        )
    }

    func pool() -> Response {
        let reading = telemetry.poolReading
        return Response(
            .object([
                ("idle", .integer(reading.idle)),
                ("used", .integer(reading.used)),
                ("connecting", .integer(reading.connecting)),
                ("waiting", .integer(reading.waiting)),
                ("limit", .integer(reading.limit)),
            ])
        )
    }

    func configuration() -> Response { Response(sources.configuration()) }

    func build() -> Response {
        let identity = telemetry.configuration.identity
        return Response(
            .object([
                ("name", .string(identity.name)),
                ("version", .string(identity.version)),
                ("revision", .string(identity.revision)),
                ("environment", .string(identity.environment)),
                ("instance", .string(identity.instanceID)),
                ("more", sources.build()),
            ])
        )
    }
}
