// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// How often something has happened in the current second.
struct SecondCount: ~Copyable, Sendable {
    /// The second in the upper half, how often in the lower.
    private let recent = Atomic<UInt64>(0)

    /// Counts once more, and says how often it is now. Two threads may both begin a second: then
    /// one is missing.
    func add(at nanoseconds: UInt64) -> UInt64 {
        let second = nanoseconds / 1_000_000_000 & 0xFFFF_FFFF
        guard recent.load(ordering: .relaxed) >> 32 == second else {
            recent.store(second << 32 | 1, ordering: .relaxed)
            return 1
        }
        return recent.wrappingAdd(1, ordering: .relaxed).newValue & 0xFFFF_FFFF
    }
}

/// How many requests may have their traces kept and their debug records written, for each reason.
/// A reason may hold for all of them, in an outage, or when a client says so.
final class HindsightLimits: Sendable {
    private let perSecondMax: UInt64
    private let forced = SecondCount()
    private let failed = SecondCount()
    private let slow = SecondCount()
    private let sampled = SecondCount()

    private static let sampledPerSecondMax: UInt64 = 10

    init(perSecondMax: Int) { self.perSecondMax = UInt64(max(0, perSecondMax)) }

    /// Whether one more ordinary request is worth a place.
    func admitsSample(at now: UInt64) -> Bool {
        sampled.add(at: now) <= Self.sampledPerSecondMax
    }

    /// The reason, or that there were too many already.
    func decided(_ decision: TraceDecision, at now: UInt64) -> TraceDecision {
        let count =
            switch decision {
            case .keptForced: forced.add(at: now)
            case .keptError: failed.add(at: now)
            case .keptSlow: slow.add(at: now)
            case .keptSampled, .limited, .dropped: UInt64(0)
            }
        return count > perSecondMax ? .limited : decision
    }
}
