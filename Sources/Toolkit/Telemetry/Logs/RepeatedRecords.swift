// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// How often each place in the code has spoken in the current second.
final class RepeatedRecords: Sendable {
    enum Verdict: Equatable {
        /// It may speak; so many of its records were left out before.
        case speaks(leftOut: UInt64)
        case isSilent
    }

    private struct Site: ~Copyable, Sendable {
        /// Where its message is in the program: distinct for each, and 0 for an empty place.
        let message = Atomic<UInt>(0)
        let recent = SecondCount()
        let leftOut = Atomic<UInt64>(0)
    }

    private final class Table: Sendable {
        let sites = InlineArray<256, Site> { _ in Site() }
    }

    private let table = Table()
    private let perSecondMax: UInt64

    init(perSecondMax: Int) { self.perSecondMax = UInt64(max(0, perSecondMax)) }

    func verdict(_ message: StaticString, at wall: UInt64) -> Verdict {
        guard perSecondMax > 0, let position = position(of: message) else {
            return .speaks(leftOut: 0)
        }
        let count = table.sites[position].recent.add(at: wall)
        if count == 1 {
            return .speaks(leftOut: table.sites[position].leftOut.exchange(0, ordering: .relaxed))
        }
        guard count > perSecondMax else { return .speaks(leftOut: 0) }
        table.sites[position].leftOut.add(1, ordering: .relaxed)
        return .isSilent
    }

    /// Nil when there are more places than the table holds: those are not limited.
    private func position(of message: StaticString) -> Int? {
        let key = unsafe UInt(bitPattern: message.utf8Start)
        let first = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 56)
        for step in 0..<8 {
            let position = (first + step) & 255
            let (_, found) = table.sites[position].message.compareExchange(
                expected: 0,
                desired: key,
                ordering: .relaxed
            )
            if found == 0 || found == key { return position }
        }
        return nil
    }
}
