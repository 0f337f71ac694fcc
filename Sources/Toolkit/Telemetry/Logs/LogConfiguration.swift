// SPDX-License-Identifier: Apache-2.0

/// How a record is written.
package enum LogFormat: String, CaseIterable, Sendable { case json, logfmt, pretty }

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
        /// Appended to; at `bytesMax` it is renamed to `<path>.1` and so on, `keep` of them.
        case file(path: String, bytesMax: Int, keep: Int)
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

    package init() {}
}
