// SPDX-License-Identifier: Apache-2.0

/// One cache's series, resolved before anything is looked up: reporting only adds, in the calling
/// loop's shard, and holds nothing that would have to be counted as a reference.
package struct CacheTelemetry: Sendable {
    private let lookups: InlineArray<3, Counter>
    private let evictions: InlineArray<3, Counter>
    private let entries: Gauge
    private let bytes: Gauge

    init(_ name: CacheName, _ metrics: CacheMetrics) {
        let name = name.rawValue
        lookups = InlineArray { metrics.lookups(name, CacheEvent.Lookup.allCases[$0].rawValue) }
        evictions = InlineArray {
            metrics.evictions(name, CacheEvent.Eviction.allCases[$0].rawValue)
        }
        entries = metrics.entries(name)
        bytes = metrics.bytes(name)
    }

    package func report(_ event: CacheEvent) {
        switch event {
        case .lookedUp(let outcome): lookups[outcome.position].add()
        case .kept(let size):
            entries.add(1)
            bytes.add(size)
        case .evicted(let reason, let count, let size):
            evictions[reason.position].add(UInt64(count))
            entries.add(-count)
            bytes.add(-size)
        }
    }

    /// What came of all look-ups so far.
    func count(_ outcome: CacheEvent.Lookup) -> UInt64 { lookups[outcome.position].value }
}

extension Telemetry {
    package func cache(_ name: CacheName) -> CacheTelemetry { CacheTelemetry(name, caches) }
}
