// SPDX-License-Identifier: Apache-2.0

/// A kind of log record: what `event` says in it. A test holds the list against the code.
package struct LogEvent: Sendable {
    package var name: String
    package var level: String
    package var meaning: String

    private init(_ name: String, _ level: String, _ meaning: String) {
        self.name = name
        self.level = level
        self.meaning = meaning
    }

    package static let all = [
        LogEvent(
            "http.request",
            "info; warning over the slow threshold; error at 5xx",
            "a request, with its status, its duration and the self time of each layer"
        ),
        LogEvent(
            "request.layer",
            "debug",
            "one step of a request that failed, was slow or was asked for"
        ),
        LogEvent(
            "http.parse_error",
            "info; debug where the request has a record of its own, and for operations",
            "a request refused before routing, or for its body's form, and why"
        ),
        LogEvent("auth.refused", "debug", "a credential that was not believed, and why"),
        LogEvent("operations.refused", "warning", "somebody may not look inside, and why not"),
        LogEvent(
            "operations.open",
            "warning",
            "whoever reaches an address over the network may look inside, without a token"
        ),
        LogEvent("sql.slow", "warning", "a statement over the slow threshold"),
        LogEvent(
            "sql.plan_finding",
            "warning",
            "a slow statement's plan reads what an index would"
        ),
        LogEvent("sql.plan_changed", "warning", "a statement is planned otherwise than before"),
        LogEvent("sql.plan_failed", "warning", "a plan could not be asked for, and why"),
        LogEvent("pool.opened", "debug", "a database connection was opened"),
        LogEvent("pool.closed", "debug", "a database connection was closed, and why"),
        LogEvent("catalog.loaded", "info", "the database's catalog was read"),
        LogEvent("catalog.failed", "error", "it could not be read; the old one still serves"),
        LogEvent("settings.failed", "error", "they could not be read anew; the old ones hold"),
        LogEvent(
            "settings.ignored",
            "warning",
            "a setting in the database says nothing sensible and was passed over"
        ),
        LogEvent("database.lost", "error", "the database does not answer any more"),
        LogEvent("database.back", "notice", "it answers again"),
        LogEvent("database.lifecycle", "notice", "the embedded PostgreSQL started or stopped"),
        LogEvent("database.ended", "error", "the embedded PostgreSQL ended by itself"),
        LogEvent("database.log", "as PostgreSQL says", "a line of the embedded PostgreSQL"),
        LogEvent("lifecycle.changed", "notice; warning", "the process started, is ready, drains"),
        LogEvent("health.changed", "notice; warning", "a health check changed its mind"),
        LogEvent("server.listening", "notice", "an address is listened on"),
        LogEvent("start.failed", "critical", "the process ends: it cannot begin to serve, and why"),
        LogEvent("start.abandoned", "notice", "the process was told to stop while it started"),
        LogEvent("migration.begun", "notice", "a migration is being applied at the start"),
        LogEvent("migration.applied", "notice", "it is done, and how long it took"),
        LogEvent("startup.phase", "debug", "a phase of the start is done, and how long it took"),
        LogEvent(
            "metrics.overflow",
            "warning",
            "this family has as many series as it may; what is new of it shares one"
        ),
        LogEvent(
            "log.scope",
            "notice",
            "somebody asked for the debug records of some requests, or ended that; or its time is over"
        ),
        LogEvent("log.ledger", "notice", "what became of the records, at the end of the process"),
        LogEvent("log.tail_unavailable", "warning", "the file of the last records cannot be used"),
        LogEvent(
            "previous_run_tail",
            "as it was",
            "a last record of the run before this one, which was killed: whole, in `previous.record`"
        ),
        LogEvent("log.level", "notice", "somebody changed a level, or its time is over"),
    ]
}
