// SPDX-License-Identifier: Apache-2.0

/// The metrics about the metrics. Declared last: it counts what the others could not hold.
struct ScrapeMetrics: MetricSet {
    private let series: Gauge
    private let seriesLimit: Gauge
    private let overflow: CounterFamily
    private let duration: [Histogram]
    private let bytes: [Gauge]

    init(_ registry: MetricRegistry) {
        series =
            registry.gauge(
                "lucarne_metrics_series",
                "Series in the registry.",
                layer: "metrics"
            )()
        seriesLimit =
            registry.gauge("lucarne_metrics_series_limit", "Series limit.", layer: "metrics")()
        let open = registry.families.filter(\.hasOpenLabels).map(\.description.name)
        overflow = registry.counter(
            "lucarne_metrics_overflow_total",
            """
            Observations folded into the overflow series because a metric reached its series \
            limit.
            """,
            labels: [MetricLabel("metric", open)],
            layer: "metrics"
        )
        let formats = MetricLabel("format", ExpositionFormat.allCases.map(\.rawValue))
        let duration = registry.histogram(
            "lucarne_metrics_scrape_duration_seconds",
            "Time to render /metrics.",
            labels: [formats],
            buckets: Buckets.inside,
            layer: "metrics"
        )
        self.duration = ExpositionFormat.allCases.map { duration($0.rawValue) }
        let bytes = registry.gauge(
            "lucarne_metrics_scrape_response_bytes",
            "Bytes of the last exposition.",
            unit: .bytes,
            labels: [formats],
            layer: "metrics"
        )
        self.bytes = ExpositionFormat.allCases.map { bytes($0.rawValue) }
    }

    func observe(_ registry: MetricRegistry) {
        seriesLimit.set(registry.linesMax)
        registry.refresh { [weak registry] in
            guard let registry else { return }
            series.set(registry.linesUsed)
            for family in registry.families where family.hasOpenLabels {
                guard let folded = family.folded else { continue }
                overflow(family.description.name).set(folded)
            }
        }
    }

    func scraped(_ format: ExpositionFormat, bytes count: Int, took nanoseconds: UInt64) {
        bytes[format.position].set(count)
        duration[format.position].observe(nanoseconds)
    }
}

extension MetricFamily {
    /// How often the overflow series was written; `nil` while there is none. A gauge that
    /// overflows cannot say, nor can a counter of seconds.
    fileprivate var folded: UInt64? {
        guard let overflow else { return nil }
        switch description.kind {
        case .counter: return description.unit == .none ? overflow.cell.sum() : nil
        case .gauge, .info: return nil
        case .histogram:
            return layout.map { HistogramReading(overflow.cell, $0).count }
        }
    }
}

extension ExpositionFormat {
    fileprivate var position: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
