// SPDX-License-Identifier: Apache-2.0

/// How a record is written.
package enum LogFormat: String, CaseIterable, Sendable {
    case json, ecs, logfmt, pretty

    /// JSON lines, under whichever names.
    var isJSON: Bool { self == .json || self == .ecs }
}

/// What happens to a record when its sink's queue is full. Each drop is counted.
package enum LogFullPolicy: Equatable, Sendable {
    case dropNewest
    /// Records below the level are dropped; others wait, at most so long, for room.
    case dropBelow(LogLevel, milliseconds: Int)
    case block(milliseconds: Int)
}

/// Where records go.
package struct LogSinkConfiguration: Sendable {
    package enum Destination: Sendable {
        case standardOutput
        case file(path: String, LogRotation)
        /// Loki's push endpoint; only `http`.
        case loki(ExportEndpoint)
        /// OTLP over HTTP, in JSON; only `http`.
        case otlp(ExportEndpoint)
        /// Handed over in batches, on the sink's thread.
        case custom(name: String, @Sendable ([UInt8]) -> Bool)
        /// Kept in memory, for readers inside the process.
        case ring(LogRing)
    }

    package var destination: Destination
    package var format: LogFormat
    package var queueMax = 8_192
    package var whenFull = LogFullPolicy.dropNewest

    package init(_ destination: Destination, format: LogFormat = .json) {
        self.destination = destination
        self.format = format
    }
}

package struct LogConfiguration: Sendable {
    package var level = LogLevel.info
    package var moduleLevels: [LogModule: LogLevel] = [:]
    package var sinks: [LogSinkConfiguration] = []
    /// The latest records are kept in memory; 0: none.
    package var ringRecordsMax = 0
    /// Of so many ordinary requests one has a record; failed, slow and forced ones all have.
    package var keepOneRequestIn = 1
    /// Records a second from one place in the code; 0: however many.
    package var duplicatesMax = 0
    /// A file in which the last records survive the process, however it ends.
    package var tailPath: String?
    /// Threads with a part of their own in that file: the loops, and one for all others.
    package var tailSlots = 1

    package init() {}
}
