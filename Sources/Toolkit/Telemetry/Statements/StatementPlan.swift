// SPDX-License-Identifier: Apache-2.0

/// How PostgreSQL said that it would run a statement, without its parameters.
package struct StatementPlan: Sendable {
    /// Of its shape (nodes, relations, indexes), not of its estimates.
    package var hash: UInt64
    /// A line for each node, indented: `Index Scan using planets_pkey on planets`.
    package var outline: [String]
    /// What somebody should look at: sequential scans that an index would serve.
    package var findings: [String]
    /// `EXPLAIN (FORMAT JSON)`, literals masked.
    package var json: String

    package init(hash: UInt64, outline: [String], findings: [String], json: String) {
        self.hash = hash
        self.outline = outline
        self.findings = findings
        self.json = json
    }
}

/// A plan, and the runs that had it.
package struct CapturedPlan: Sendable {
    package struct Run: Equatable, Sendable {
        package var traceIDHigh: UInt64
        package var traceIDLow: UInt64
        package var spanID: UInt64
        /// The statement's span, by position.
        package var span: Int8
    }

    package var plan: StatementPlan
    package var query: String
    package var summary: String
    package var firstSeenWall: UInt64
    package var lastSeenWall: UInt64
    /// Of the run that it was captured for.
    package var nanoseconds: UInt64
    package var runs: [Run]
}

/// One statement's figures since the start.
package struct StatementStatistics: Sendable {
    package var summary: String
    package var count: UInt64
    package var errors: UInt64
    package var slow: UInt64
    package var rows: UInt64
    package var totalNanoseconds: UInt64
    /// Nanoseconds, on the line between two bounds of native buckets: less than a tenth off.
    package var median: Double
    package var p99: Double
}
