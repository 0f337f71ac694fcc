// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The series of each statement summary, in each schema.
///
/// A loop finds those it has used before without a lock and without hashing the name: plans are
/// kept, so the same statement comes with the very same string.
@safe final class StatementSeries: Sendable {
    fileprivate final class Entry: Sendable {
        let summary: String
        let namespace: String
        let isShared: Bool
        let duration: Histogram
        let rows: Histogram
        let slow: Counter
        let failures = Mutex<[String: Histogram]>([:])

        init(
            _ summary: String,
            _ namespace: String,
            duration: Histogram,
            rows: Histogram,
            slow: Counter
        ) {
            self.summary = summary
            self.namespace = namespace
            isShared = summary == StatementSeries.otherSummary
            self.duration = duration
            self.rows = rows
            self.slow = slow
            // Never given back: to use it counts no references, which all loops would write to.
            _ = unsafe Unmanaged.passRetained(self)
        }
    }

    /// Where a statement is counted.
    @safe struct Handle: Sendable {
        fileprivate let entry: Unmanaged<Entry>

        fileprivate init(_ entry: Entry) { unsafe self.entry = .passUnretained(entry) }

        var summary: String { unsafe entry._withUnsafeGuaranteedRef(\.summary) }
        /// There are too many summaries, and several are counted as one.
        var isShared: Bool { unsafe entry._withUnsafeGuaranteedRef(\.isShared) }
    }

    private struct Key: Hashable {
        var summary: String
        var schema: String
    }

    /// A loop's memory of a summary in a schema.
    private struct Recent {
        var identity: (UInt64, UInt64, UInt64, UInt64)
        var handle: Handle
        /// Held, so that no other strings can lie where these do.
        var key: Key
    }

    private static let recentMax = 64

    private let metrics: SQLMetrics
    private let database: DatabaseStanding
    private let entries = Mutex<[Key: Entry]>([:])
    // `recentMax` places for each slot, which only its loop reads and writes.
    nonisolated(unsafe) private let recent: UnsafeMutablePointer<Recent?>

    /// SQLSTATEs can be made up (`RAISE … USING ERRCODE`): beyond so many they share a series.
    private static let statesMax = 32
    /// Summaries come from the catalog, which may have any number of tables: the rest share one.
    static let entriesMax = 4_096
    private static let otherSummary = "_other"
    private static let other = Key(summary: otherSummary, schema: "")

    init(_ metrics: SQLMetrics, of database: DatabaseStanding) {
        self.metrics = metrics
        self.database = database
        unsafe recent = .allocate(capacity: Shard.slotsMax * Self.recentMax)
        unsafe recent.initialize(repeating: nil, count: Shard.slotsMax * Self.recentMax)
    }

    deinit {
        unsafe recent.deinitialize(count: Shard.slotsMax * Self.recentMax)
        unsafe recent.deallocate()
    }

    /// Counts a statement; says which duration series it went to.
    func ended(
        _ handle: Handle,
        nanoseconds: UInt64,
        sqlState: String? = nil,
        rows: Int,
        isSlow: Bool = false,
        slot: Int
    ) -> Histogram {
        unsafe handle.entry._withUnsafeGuaranteedRef { entry in
            entry.rows.observe(UInt64(max(0, rows)), slot: slot)
            if isSlow { entry.slow.add(1, slot: slot) }
            let duration = sqlState.map { failure(entry, $0) } ?? entry.duration
            duration.observe(nanoseconds, slot: slot)
            return duration
        }
    }

    var count: Int { entries.withLock { $0.count } }

    func handle(_ summary: String, in schema: String, slot: Int) -> Handle {
        guard slot != Shard.foreign else { return find(Key(summary: summary, schema: schema)) }
        // What a string is made of: text up to 15 bytes, or where the text lies.
        let (first, second) = unsafe unsafeBitCast(summary, to: (UInt64, UInt64).self)
        let (third, fourth) = unsafe unsafeBitCast(schema, to: (UInt64, UInt64).self)
        let identity = (first, second, third, fourth)
        let hash = ((first ^ second ^ third ^ fourth) &* 0x9E37_79B9_7F4A_7C15) &>> 58
        let place = unsafe recent + (slot &* Self.recentMax &+ Int(truncatingIfNeeded: hash))
        if let known = unsafe place.pointee?.identity, known == identity,
            let handle = unsafe place.pointee?.handle
        {
            return handle
        }
        let key = Key(summary: summary, schema: schema)
        let handle = find(key)
        unsafe place.pointee = Recent(identity: identity, handle: handle, key: key)
        return handle
    }

    private func find(_ key: Key) -> Handle {
        entries.withLock { entries in
            if let entry = entries[key] { return Handle(entry) }
            let key = entries.count < Self.entriesMax ? key : Self.other
            if let entry = entries[key] { return Handle(entry) }
            let namespace = database.namespace(key.schema)
            let entry = Entry(
                key.summary,
                namespace,
                duration: metrics.duration("postgresql", namespace, key.summary, "", ""),
                rows: metrics.rows("postgresql", key.summary),
                slow: metrics.slow(key.summary)
            )
            entries[key] = entry
            return Handle(entry)
        }
    }

    private func failure(_ entry: Entry, _ sqlState: String) -> Histogram {
        entry.failures.withLock { failures in
            let isKnown = failures[sqlState] != nil || failures.count < Self.statesMax
            let label = isKnown ? sqlState : Self.otherSummary
            if let series = failures[label] { return series }
            let series = metrics.duration(
                "postgresql",
                entry.namespace,
                entry.summary,
                label,
                label
            )
            failures[label] = series
            return series
        }
    }
}

extension StatementSeries {
    /// All statements so far, the most expensive first. What no longer had a series of its own is
    /// in a line of its own: with it, the counts add up.
    var statistics: [StatementStatistics] {
        // Loops wait for the lock, so nothing is worked out under it.
        let entries = entries.withLock { Array($0.values) }
        var all = Dictionary(grouping: entries, by: \.summary).values.map(statistics)
        var shared = overflow
        // Whose durations are in that line has none of its own to say the rest in.
        for statement in all where statement.count == 0 {
            shared.rows &+= statement.rows
            shared.slow &+= statement.slow
        }
        all.append(shared)
        return all.filter { $0.count > 0 }.sorted { $0.totalNanoseconds > $1.totalNanoseconds }
    }

    /// Of one summary in all schemas, which share what has no namespace.
    private func statistics(of entries: [Entry]) -> StatementStatistics {
        func owned(_ series: [Histogram], _ family: HistogramFamily) -> [Histogram] {
            series.filter { $0.cell != family.overflow?.cell }
        }
        let failures = owned(
            entries.flatMap { $0.failures.withLock { Array($0.values) } },
            metrics.duration
        )
        let entry = entries[0]
        let isSlowOwned = entry.slow.cell != metrics.slow.overflow?.cell
        return StatementStatistics(
            entry.summary,
            owned(entries.map(\.duration), metrics.duration) + failures,
            failures: failures,
            rows: owned([entry.rows], metrics.rows),
            slow: isSlowOwned ? entry.slow.value : 0
        )
    }

    /// How many of these failed nobody knows.
    private var overflow: StatementStatistics {
        StatementStatistics(
            MetricFamily.overflowValue,
            metrics.duration.overflow.map { [$0] } ?? [],
            failures: [],
            rows: metrics.rows.overflow.map { [$0] } ?? [],
            slow: metrics.slow.overflow?.value ?? 0
        )
    }
}

extension StatementStatistics {
    fileprivate init(
        _ summary: String,
        _ durations: [Histogram],
        failures: [Histogram],
        rows: [Histogram],
        slow: UInt64
    ) {
        let distribution = Distribution(of: durations)
        self.init(
            summary: summary,
            count: distribution.count,
            errors: failures.reduce(0) { $0 &+ $1.count },
            slow: slow,
            rows: rows.reduce(0) { $0 &+ $1.sum },
            totalNanoseconds: distribution.sum,
            median: distribution.quantile(0.5),
            p99: distribution.quantile(0.99)
        )
    }
}
