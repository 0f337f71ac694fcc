// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// How many series there may be, and the memory they are in.
final class SeriesBudget: Sendable {
    /// Lines of exposition, all families together.
    let linesMax: Int

    private let lines = Atomic<Int>(0)
    private let arena = Mutex(CellArena())

    init(linesMax: Int) { self.linesMax = linesMax }

    var linesUsed: Int { lines.load(ordering: .relaxed) }

    /// For what is declared, and so has a place whatever the ceiling.
    func take(lines count: Int) { lines.add(count, ordering: .relaxed) }

    /// For what appears at run time: refused at the ceiling.
    func reserve(lines count: Int) -> Bool {
        if lines.add(count, ordering: .relaxed).newValue <= linesMax { return true }
        lines.subtract(count, ordering: .relaxed)
        return false
    }

    func allocate(_ cells: Int) -> CellPointer { arena.withLock { $0.allocate(cells) } }
}
