// SPDX-License-Identifier: Apache-2.0

private let bans = [
    Pattern("print(", "is for scripts: Terminal for a command's output, an event for the rest"),
    Pattern("debugPrint(", "is for an afternoon: report an event"),
    Pattern("try!", "ends the process: throw, or say why it cannot fail by a type"),
    Pattern("as!", "ends the process: as? and a refusal"),
    Pattern("fatalError(", "ends the process: throw, or preconditionFailure with the reason"),
    Pattern("DateFormatter", "costs 2 µs: Timestamp formats once a second"),
    Pattern("ISO8601DateFormatter", "costs 2 µs: Timestamp formats once a second"),
    Pattern("String(format:", "is slow and untyped: interpolate, or append to bytes"),
    Pattern("Task.detached", "escapes its scope: a child task, or a task of its loop's executor"),
]

// Put together, so that this file does not break its own rule.
private let leftovers = ["TO" + "DO", "FIX" + "ME", "XX" + "X"].map {
    Pattern($0, "is a promise nobody keeps: an issue, or do it")
}

private let environmentReads = [
    Pattern("getenv", "belongs in App/Lucarne/Configuration, where each setting is declared once"),
    Pattern("environ", "belongs in App/Lucarne/Configuration, where each setting is declared once"),
    Pattern("ProcessInfo.processInfo.environment", "belongs in App/Lucarne/Configuration"),
]

private let escapeHatches = [
    Pattern("@unchecked Sendable", "needs a comment and a line in the list of BanRules.swift"),
    Pattern("nonisolated(unsafe)", "needs a comment and a line in the list of BanRules.swift"),
]

/// Files whose types the compiler cannot check for data races, each with the reason in a comment
/// there. Most belong to one loop and are touched on its thread only.
let uncheckedFiles: Set<String> = [
    "Sources/Core/Persistence/OpenTransaction.swift",
    "Sources/Core/Persistence/ReadGroups.swift",
    "Sources/Features/Rest/RestCursor.swift",
    "Sources/Toolkit/Cryptography/PublicKey.swift",
    "Sources/Toolkit/EventLoop/Cancellation.swift",
    "Sources/Toolkit/EventLoop/EventLoop.swift",
    "Sources/Toolkit/EventLoop/ListeningSocket.swift",
    "Sources/Toolkit/EventLoop/Registration.swift",
    "Sources/Toolkit/EventLoop/Signals.swift",
    "Sources/Toolkit/EventLoop/StreamSocket.swift",
    "Sources/Toolkit/EventLoop/Timers.swift",
    "Sources/Toolkit/HTTPServer/Serving/ServerLoop.swift",
    "Sources/Toolkit/PostgresClient/BlockingSession.swift",
    "Sources/Toolkit/PostgresClient/Opened.swift",
    "Sources/Toolkit/PostgresClient/Pool.swift",
    "Sources/Toolkit/PostgresClient/QueryResult.swift",
    "Sources/Toolkit/PostgresClient/Session.swift",
    "Sources/Toolkit/Profiling/CPUProfile.swift",
    "Sources/Toolkit/Telemetry/Families/StatementSeries.swift",
    "Sources/Toolkit/Telemetry/Logs/LogBytes.swift",
    "Sources/Toolkit/Telemetry/Logs/LogFragments.swift",
    "Sources/Toolkit/Telemetry/Logs/LogSink.swift",
    "Sources/Toolkit/Telemetry/Logs/LogStage.swift",
    "Sources/Toolkit/Telemetry/Logs/MappedTail.swift",
    "Sources/Toolkit/Telemetry/Metrics/Cells.swift",
    "Sources/Toolkit/Telemetry/Metrics/BucketLayout.swift",
    "Sources/Toolkit/Telemetry/Tracing/IdentifierSource.swift",
    "Sources/Toolkit/Telemetry/RequestsInFlight.swift",
    "Sources/Toolkit/Telemetry/Tracing/RequestTrace.swift",
]

let banRules = [
    Rule(name: "banned words have replacements") { file in
        guard file.group != nil else { return [] }
        return bans.flatMap { file.findings($0, in: \.code) }
    },
    Rule(name: "nothing is left for later in a comment") { file in
        leftovers.flatMap { file.findings($0, in: \.lines) }
    },
    Rule(name: "the environment is read in one place") { file in
        guard file.group != nil, !file.path.hasPrefix("Sources/App/Lucarne/Configuration/") else {
            return []
        }
        return environmentReads.flatMap { file.findings($0, in: \.code) }
    },
    Rule(name: "what the compiler cannot check is listed") { file in
        guard file.group != nil, !uncheckedFiles.contains(file.path) else { return [] }
        return escapeHatches.flatMap { file.findings($0, in: \.code) }
    },
]
