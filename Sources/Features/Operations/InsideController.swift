// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Profiling
import Telemetry

/// What goes on right now, and what this process is.
struct InsideController: Sendable {
    let telemetry: Telemetry
    let sources: Operations.Sources

    private static let pages: [(title: String, pages: [(path: String, meaning: String)])] = [
        (
            "Now",
            [
                ("/debug/requests", "requests being answered, with their layer and age"),
                ("/debug/pool", "database connections"),
                ("/debug/loops", "event loops: how busy, how late"),
                ("/debug/threads", "threads: their state and processor time"),
                ("/readyz?verbose", "ready, and if not, why"), ("/livez", "alive?"),
                ("/startupz", "started?"),
                ("/readyz/objectives", "no objective burns as fast as a page is sent for?"),
            ]
        ),
        (
            "What happened",
            [
                ("/debug/traces", "traces kept: failed, slow, asked for, a sample; ?q=status>=500"),
                ("/debug/sql", "statements: how often, how long, how they are planned"),
                ("/debug/logs", "the latest records; ?q=level>=warning and logger=sql"),
                ("/debug/logs/tail", "records as they come (server-sent events); the same ?q="),
                ("/debug/logs/ledger", "records made, written, queued, dropped"),
            ]
        ),
        (
            "How it goes",
            [
                ("/debug/slo", "objectives: error ratios, burn rates, what is left of the budget"),
                ("/metrics", "metrics, for Prometheus"),
                ("/metrics/catalog", "what each metric means"),
                ("/debug/cardinality", "families by number of series"),
                ("/dashboards", "Grafana dashboards for these metrics"),
                ("/alerts.yml", "Prometheus rules for these metrics"),
            ]
        ),
        (
            "What it is",
            [
                ("/debug/config", "effective settings and their sources"),
                ("/debug/build", "version and environment"),
                ("/debug/log-level", "levels by module; POST changes them"),
                ("/debug/log-scope", "debug records for one route, user or trace; POST adds one"),
                ("/debug/profile?seconds=5", "where processor time goes: folded stacks"),
                ("/debug/profile?seconds=5&format=pprof", "the same for pprof"),
                (
                    "/debug/bundle",
                    "all of the above but a profile in one archive, for a bug report"
                ),
            ]
        ),
    ]

    func index() -> Response {
        let sections = Self.pages.map { title, pages in
            let rows = pages.map { path, meaning in
                """
                <tr><td class="name"><a href="\(HTML.text(path))"><code>\(HTML.text(path))\
                </code></a><td>\(HTML.text(meaning))</tr>
                """
            }
            return "<h2>\(title)</h2><table>\(rows.joined())</table>"
        }
        return Response(html: HTML.page("Inside", sections.joined()))
    }

    func loops() -> Response {
        let loops = telemetry.loopReadings.map { loop in
            let age = max(1, loop.at &- telemetry.startedAt)
            let share = Double(loop.busyNanoseconds) / Double(age)
            return JSONValue.object([
                ("loop", .integer(loop.loop)),
                ("busy_seconds", .ratio(Double(loop.busyNanoseconds) / 1e9)),
                ("busy_ratio", .ratio((share * 10_000).rounded() / 10_000)),
                ("beats", .integer(loop.beats)),
                ("lag_p50_ms", .milliseconds(UInt64(loop.lagMedian))),
                ("lag_p99_ms", .milliseconds(UInt64(loop.lagP99))),
                ("lag_max_ms", .milliseconds(loop.lagMax)),
            ])
        }
        return Response(.object([("loops", .array(loops))]))
    }

    func threads() -> Response {
        let threads = ProcessThread.all.map { thread in
            JSONValue.object([
                ("id", .integer(thread.identifier)),
                ("name", .string(thread.name)),
                ("state", .string(thread.state)),
                ("cpu_ms", .milliseconds(thread.processorNanoseconds)),
                ("switches_voluntary", .integer(thread.voluntarySwitches)),
                ("switches_involuntary", .integer(thread.involuntarySwitches)),
            ])
        }
        return Response(.object([("threads", .array(threads))]))
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
        let own: [(String, JSONValue)] = [
            ("name", .string(identity.name)),
            ("version", .string(identity.version)),
            ("revision", .string(identity.revision)),
            ("environment", .string(identity.environment)),
            ("instance", .string(identity.instanceID)),
        ]
        return Response(.object(own + sources.build()))
    }
}
