// SPDX-License-Identifier: Apache-2.0

/// What is kept in memory to be found again.
struct CacheMetrics: MetricSet {
    let lookups: CounterFamily
    let evictions: CounterFamily
    let entries: GaugeFamily
    let bytes: GaugeFamily

    init(_ registry: MetricRegistry) {
        let cache = MetricLabel("cache", CacheName.self)
        lookups = registry.counter(
            "lucarne_cache_lookups_total",
            "Cache look-ups; what was there but out of date is stale.",
            labels: [cache, MetricLabel("result", CacheEvent.Lookup.self)],
            layer: "cache"
        )
        evictions = registry.counter(
            "lucarne_cache_evictions_total",
            """
            Entries a cache let go: to make room, because they expired, or because what they were \
            made from was replaced.
            """,
            labels: [cache, MetricLabel("reason", CacheEvent.Eviction.self)],
            layer: "cache"
        )
        entries = registry.gauge(
            "lucarne_cache_entries",
            "Entries held.",
            labels: [cache],
            layer: "cache"
        )
        bytes = registry.gauge(
            "lucarne_cache_resident_bytes",
            "Bytes of the keys and texts held; the structures around them come on top.",
            unit: .bytes,
            labels: [cache],
            layer: "cache"
        )
    }
}
