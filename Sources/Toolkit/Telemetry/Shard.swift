// SPDX-License-Identifier: Apache-2.0
import Glibc
import Synchronization

/// Which of the registry's and the log's parts the calling thread writes.
///
/// Loop `i` is the only writer of slot `i + 1`, so it needs no locked instruction there. Slot 0
/// is shared by all threads that are no loop.
@safe package enum Shard {
    /// Slots there are at most: memory is reserved, not used, for those without a loop.
    package static let slotsMax = 65
    package static let foreign = 0

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        _ = unsafe pthread_key_create(&key, nil)
        return key
    }()
    private static let highest = Atomic<Int>(0)

    /// Says that the calling thread is loop `index` (from 0), for as long as it lives.
    package static func bind(index: Int) {
        precondition(index >= 0)
        let slot = index + 1 < slotsMax ? index + 1 : foreign
        let value = unsafe UnsafeRawPointer(bitPattern: slot)
        _ = unsafe pthread_setspecific(key, value)
        _ = highest.max(slot, ordering: .relaxed)
    }

    /// The calling thread is no loop any more.
    package static func unbind() { _ = pthread_setspecific(key, nil) }

    package static var current: Int { unsafe Int(bitPattern: pthread_getspecific(key)) }

    /// Slots that may hold anything.
    static var slotsUsed: Int { highest.load(ordering: .relaxed) + 1 }
}
