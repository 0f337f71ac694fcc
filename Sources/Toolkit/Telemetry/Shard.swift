// SPDX-License-Identifier: Apache-2.0
import CLinux
import Synchronization

/// Which of the registry's and the log's parts the calling thread writes.
///
/// Loop `i` is the only writer of slot `i + 1`, so it needs no locked instruction there. Slot 0
/// is shared by all threads that are no loop.
@safe package enum Shard {
    /// Slots there are at most: memory is reserved, not used, for those without a loop.
    package static let slotsMax = 65
    package static let foreign = 0

    /// Put behind what each slot writes, so that no two slots share a cache line, nor two lines that
    /// a processor fetches together.
    struct Apart: Sendable {
        private let words = InlineArray<16, UInt64>(repeating: 0)
    }

    private static let highest = Atomic<Int>(0)

    /// Says that the calling thread is loop `index` (from 0), for as long as it lives.
    package static func bind(index: Int) {
        precondition(index >= 0)
        let slot = index + 1 < slotsMax ? index + 1 : foreign
        unsafe own.pointee = slot
        _ = highest.max(slot, ordering: .relaxed)
    }

    /// The calling thread is no loop any more.
    package static func unbind() { unsafe own.pointee = foreign }

    @inline(__always)
    package static var current: Int { unsafe own.pointee }

    /// The one caller of `thread_shard`, as its comment demands.
    @inline(never)
    private static var own: UnsafeMutablePointer<Int> { unsafe thread_shard() }

    /// Slots that may hold anything.
    static var slotsUsed: Int { highest.load(ordering: .relaxed) + 1 }
}
