// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The series of each statement summary, found by one look-up.
final class StatementSeries: Sendable {
    private final class Entry: Sendable {
        let duration: Histogram
        let rows: Histogram
        let slow: Counter
        let failures = Mutex<[String: Histogram]>([:])

        init(duration: Histogram, rows: Histogram, slow: Counter) {
            self.duration = duration
            self.rows = rows
            self.slow = slow
        }
    }

    private let metrics: SQLMetrics
    private let namespace: String
    private let entries = Mutex<[String: Entry]>([:])

    /// SQLSTATEs can be made up (`RAISE … USING ERRCODE`): beyond so many they share a series.
    private static let statesMax = 32

    init(_ metrics: SQLMetrics, namespace: String) {
        self.metrics = metrics
        self.namespace = namespace
    }

    /// Counts a statement and says which duration series it went to.
    func ended(
        _ summary: String,
        nanoseconds: UInt64,
        sqlState: String?,
        rows: Int,
        isSlow: Bool
    ) -> Histogram {
        let entry = entry(summary)
        entry.rows.observe(UInt64(max(0, rows)))
        if isSlow { entry.slow.add() }
        let duration = sqlState.map { failure(entry, summary, $0) } ?? entry.duration
        duration.observe(nanoseconds)
        return duration
    }

    private func entry(_ summary: String) -> Entry {
        entries.withLock { entries in
            if let entry = entries[summary] { return entry }
            let entry = Entry(
                duration: metrics.duration("postgresql", namespace, summary, "", ""),
                rows: metrics.rows("postgresql", summary),
                slow: metrics.slow(summary)
            )
            entries[summary] = entry
            return entry
        }
    }

    private func failure(_ entry: Entry, _ summary: String, _ sqlState: String) -> Histogram {
        entry.failures.withLock { failures in
            if let known = failures[sqlState] { return known }
            let label = failures.count < Self.statesMax ? sqlState : "_other"
            let series = metrics.duration("postgresql", namespace, summary, label, label)
            if label == sqlState { failures[sqlState] = series }
            return series
        }
    }
}
