// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Random identifiers without a lock and without a system call each: one SplitMix64 per slot,
/// seeded by the kernel. Ids must be distinct and unguessable from outside, not secret.
@safe enum IdentifierSource {
    /// One state a cache line, so that loops do not share one.
    private static let wordsPerSlot = 8
    // Never written after it is made; what it points to is atomic.
    nonisolated(unsafe) private static let states: UnsafeMutablePointer<Atomic<UInt64>> = {
        let count = Shard.slotsMax * wordsPerSlot
        let states = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: count)
        var source = SystemRandomNumberGenerator()
        for index in 0..<count {
            unsafe (states + index).initialize(to: Atomic(source.next()))
        }
        return unsafe states
    }()

    /// Never 0: to W3C Trace Context an all-zero id is no id.
    static func next() -> UInt64 {
        while true {
            let id = mixed(advance())
            if id != 0 { return id }
        }
    }

    private static func advance() -> UInt64 {
        let slot = Shard.current
        let state = unsafe states + slot * wordsPerSlot
        if slot == Shard.foreign {
            return unsafe state.pointee.wrappingAdd(golden, ordering: .relaxed).newValue
        }
        let next = unsafe state.pointee.load(ordering: .relaxed) &+ golden
        unsafe state.pointee.store(next, ordering: .relaxed)
        return next
    }

    private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// SplitMix64's finalizer (Steele, Lea and Flood, 2014).
    static func mixed(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
