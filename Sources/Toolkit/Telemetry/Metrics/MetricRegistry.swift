// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The families of one layer, declared together.
protocol MetricSet: Sendable {
    init(_ registry: MetricRegistry)
}

/// All families of the process, in the order of their declaration.
package final class MetricRegistry: Sendable {
    private let state = Mutex(State())
    private let budget: SeriesBudget
    private let sets = Mutex<[ObjectIdentifier: any MetricSet]>([:])

    private struct State {
        var families: [MetricFamily] = []
        var refreshers: [@Sendable () -> Void] = []
    }

    /// Where what is not to be shown is counted.
    static let unseen = MetricRegistry()

    package init(linesMax: Int = 50_000) { budget = SeriesBudget(linesMax: linesMax) }

    package func counter(
        _ name: String,
        _ help: String,
        unit: MetricDescription.Unit = .none,
        labels: [MetricLabel] = [],
        layer: String
    ) -> CounterFamily {
        CounterFamily(
            family: declare(
                MetricDescription(
                    name: name,
                    kind: .counter,
                    unit: unit,
                    labels: labels,
                    help: help,
                    layer: layer
                )
            )
        )
    }

    package func gauge(
        _ name: String,
        _ help: String,
        kind: MetricDescription.Kind = .gauge,
        unit: MetricDescription.Unit = .none,
        labels: [MetricLabel] = [],
        layer: String
    ) -> GaugeFamily {
        GaugeFamily(
            family: declare(
                MetricDescription(
                    name: name,
                    kind: kind,
                    unit: unit,
                    labels: labels,
                    help: help,
                    layer: layer
                )
            )
        )
    }

    package func histogram(
        _ name: String,
        _ help: String,
        unit: MetricDescription.Unit = .seconds,
        labels: [MetricLabel] = [],
        buckets: [Double],
        exemplars: Bool = false,
        native: Bool = false,
        layer: String
    ) -> HistogramFamily {
        HistogramFamily(
            family: declare(
                MetricDescription(
                    name: name,
                    kind: .histogram,
                    unit: unit,
                    labels: labels,
                    help: help,
                    buckets: buckets,
                    hasExemplars: exemplars,
                    isNative: native,
                    layer: layer
                )
            )
        )
    }

    /// Runs before each scrape: for values that are read rather than counted.
    package func refresh(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.refreshers.append(body) }
    }

    /// The one set of this type; declared when it is first asked for.
    func shared<Set: MetricSet>(_: Set.Type) -> Set {
        sets.withLock { sets in
            if let set = sets[ObjectIdentifier(Set.self)] as? Set { return set }
            let set = Set(self)
            sets[ObjectIdentifier(Set.self)] = set
            return set
        }
    }

    package var descriptions: [MetricDescription] { families.map(\.description) }

    var families: [MetricFamily] { state.withLock { $0.families } }

    package var linesMax: Int { budget.linesMax }

    /// Lines taken so far.
    package var linesUsed: Int { budget.linesUsed }

    /// What the process starts with is declared. From now on no family takes all that is left.
    func settle() { budget.settle() }

    func runRefreshers() {
        for refresher in state.withLock({ $0.refreshers }) { refresher() }
    }

    private func declare(_ description: MetricDescription) -> MetricFamily {
        let family = MetricFamily(description, budget: budget)
        state.withLock { state in
            precondition(
                !state.families.contains { $0.description.name == description.name },
                "\(description.name) is declared twice"
            )
            state.families.append(family)
        }
        if family.hasOpenLabels {
            // The overflow series has its place from the start.
            budget.take(lines: description.linesPerSeries)
        } else {
            family.fill([])
            budget.take(lines: description.linesPerSeries * family.series.count)
        }
        return family
    }
}

extension MetricRegistry {
    /// How many series a family has, and whether some share the overflow series.
    package struct SeriesCount: Sendable {
        package var name: String
        package var series: Int
        package var lines: Int
        /// Lines it may still take.
        package var room: Int
        package var hasOverflowed: Bool
    }

    /// A label's values by how many of the family's series have them, most first.
    package struct LabelCount: Sendable {
        package var label: String
        package var values: [(value: String, series: Int)]
    }

    package func labelCounts(of name: String) -> [LabelCount] {
        guard let family = families.first(where: { $0.description.name == name }) else { return [] }
        let series = family.series
        return family.description.labels.enumerated().map { position, label in
            let values = Dictionary(grouping: series) { $0.values[position] }.map { ($0, $1.count) }
            return LabelCount(
                label: label.name,
                values: values.sorted { $0.1 != $1.1 ? $0.1 > $1.1 : $0.0 < $1.0 }
            )
        }
    }

    /// Families that have overflown since this was last asked.
    func takeOverflows() -> [String] {
        families.filter { $0.takeOverflow() }.map(\.description.name)
    }

    package var seriesCounts: [SeriesCount] {
        families.map { family in
            let count = family.series.count
            return SeriesCount(
                name: family.description.name,
                series: count,
                lines: count * family.description.linesPerSeries,
                room: family.room,
                hasOverflowed: family.overflow != nil
            )
        }
    }
}
