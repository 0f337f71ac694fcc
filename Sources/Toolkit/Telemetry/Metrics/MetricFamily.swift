// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// One set of label values and its cells.
final class Series: Sendable {
    let values: [String]
    /// `a="b",c="d"`, escaped, without braces.
    let labels: [UInt8]
    let cell: CellPointer
    let exemplars: ExemplarSlots?

    init(values: [String], labels: [UInt8], cell: CellPointer, exemplars: ExemplarSlots?) {
        self.values = values
        self.labels = labels
        self.cell = cell
        self.exemplars = exemplars
    }
}

/// A declared family and the series it has so far, in the order they appeared.
final class MetricFamily: Sendable {
    let description: MetricDescription
    let layout: BucketLayout?
    /// `le` values as text, canonical in both formats; the last is `+Inf`.
    let boundTexts: [[UInt8]]
    private let table: Mutex<Table>
    private let budget: SeriesBudget

    /// What all labels of the series say that takes what no longer fits.
    static let overflowValue = "_overflow"

    private struct Table {
        var series: [Series] = []
        var positions: [[String]: Int] = [:]
        var overflow: Series?
        var isOverflowTold = false
        var taken = SeriesBudget.Taken()
    }

    init(_ description: MetricDescription, budget: SeriesBudget) {
        self.description = description
        self.budget = budget
        let isHistogram = description.kind == .histogram
        layout =
            isHistogram
            ? BucketLayout(bounds: description.integerBuckets, native: description.isNative) : nil
        boundTexts = isHistogram ? description.buckets.map { Array("\($0)".utf8) } : []
        table = Mutex(Table())
    }

    var hasOpenLabels: Bool { description.labels.contains { $0.values == nil } }

    var series: [Series] { table.withLock { $0.series } }

    /// The series that takes what no longer fits, once there is one.
    var overflow: Series? { table.withLock { $0.overflow } }

    /// Whether the family has overflown since this was last asked.
    func takeOverflow() -> Bool {
        table.withLock { table in
            guard table.overflow != nil, !table.isOverflowTold else { return false }
            table.isOverflowTold = true
            return true
        }
    }

    /// How many lines of exposition it may still take; 0 where its series are all there.
    var room: Int { hasOpenLabels ? table.withLock { budget.room(for: $0.taken) } : 0 }

    /// The series of these label values; beyond what the family may have, the one that all others
    /// share.
    func series(_ values: [String]) -> Series {
        precondition(values.count == description.labels.count, "labels of \(description.name)")
        return table.withLock { table in
            if let position = table.positions[values] { return table.series[position] }
            let lines = description.linesPerSeries
            guard !hasOpenLabels || budget.reserve(lines: lines, for: &table.taken) else {
                return overflow(in: &table)
            }
            return insert(values, into: &table)
        }
    }

    private func overflow(in table: inout Table) -> Series {
        if let series = table.overflow { return series }
        let values = description.labels.map { _ in Self.overflowValue }
        let series = insert(values, into: &table)
        table.overflow = series
        return series
    }

    private func insert(_ values: [String], into table: inout Table) -> Series {
        let series = Series(
            values: values,
            labels: Exposition.labels(description.labels, values),
            cell: budget.allocate(layout.map { $0.cellCount + 1 } ?? 1),
            exemplars: description.hasExemplars
                ? ExemplarSlots(count: description.buckets.count + 1) : nil
        )
        table.positions[values] = table.series.count
        table.series.append(series)
        return series
    }

    /// Forgets all series but this one: what an info family says now.
    func replace(with values: [String]) {
        table.withLock { table in
            guard table.series.first?.values != values else { return }
            table.series = []
            table.positions = [:]
            _ = insert(values, into: &table)
        }
    }

    /// Makes every series there can be, given the values of the open labels.
    func fill(_ open: [String]) {
        var rows: [[String]] = [[]]
        var next = 0
        for label in description.labels {
            let values: [String]
            if let closed = label.values {
                values = closed
            } else {
                guard next < open.count else { return }
                values = [open[next]]
                next += 1
            }
            rows = rows.flatMap { row in values.map { row + [$0] } }
        }
        for row in rows { _ = series(row) }
    }
}

/// A family of counters.
package struct CounterFamily: Sendable {
    let family: MetricFamily

    package func callAsFunction(_ values: String...) -> Counter {
        Counter(cell: family.series(values).cell)
    }

    /// What counts for all that no longer fits, once there is something.
    var overflow: Counter? { family.overflow.map { Counter(cell: $0.cell) } }
}

/// A family of gauges.
package struct GaugeFamily: Sendable {
    let family: MetricFamily

    package func callAsFunction(_ values: String...) -> Gauge {
        Gauge(cell: family.series(values).cell)
    }
}

/// A family of histograms.
package struct HistogramFamily: Sendable {
    let family: MetricFamily

    package func callAsFunction(_ values: String...) -> Histogram {
        histogram(of: family.series(values))
    }

    /// What observes for all that no longer fits, once there is something.
    var overflow: Histogram? { family.overflow.map(histogram) }

    private func histogram(of series: Series) -> Histogram {
        guard let layout = family.layout else { preconditionFailure("no buckets") }
        return Histogram(series.cell, layout, series.exemplars)
    }
}
