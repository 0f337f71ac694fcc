// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// How many series there may be, and the memory they are in.
final class SeriesBudget: Sendable {
    /// Lines of exposition, all families together.
    let linesMax: Int

    /// Whoever floods a family, with made-up SQLSTATEs or with tables, leaves a quarter of what was
    /// there. By default 1,200 statements have room; held to this, 1,000 have, and held to half, 800.
    private static let takenPerFree = 3

    private let lines = Atomic<Int>(0)
    private let isSettled = Atomic<Bool>(false)
    private let arena = Mutex(CellArena())

    init(linesMax: Int) { self.linesMax = linesMax }

    var linesUsed: Int { lines.load(ordering: .relaxed) }

    /// For what is declared, and so has a place whatever the ceiling.
    func take(lines count: Int) { lines.add(count, ordering: .relaxed) }

    /// What the process starts with is there. What a family takes from now on is held to its share.
    func settle() { isSettled.store(true, ordering: .relaxed) }

    /// For what appears at run time: refused at the ceiling, and to a family that has taken too much
    /// of it since the start.
    func reserve(lines count: Int, for family: inout Taken) -> Bool {
        let free = linesMax - lines.add(count, ordering: .relaxed).newValue
        let isSettled = isSettled.load(ordering: .relaxed)
        guard free >= 0, !isSettled || family.lines + count <= Self.takenPerFree * free else {
            lines.subtract(count, ordering: .relaxed)
            return false
        }
        if isSettled { family.lines += count }
        return true
    }

    /// How many lines more a family may have, as things are.
    func room(for family: Taken) -> Int {
        let free = linesMax - linesUsed
        guard isSettled.load(ordering: .relaxed) else { return max(0, free) }
        return max(0, (Self.takenPerFree * free - family.lines) / (Self.takenPerFree + 1))
    }

    /// What a family has taken since the start.
    struct Taken {
        fileprivate var lines = 0
    }

    func allocate(_ cells: Int) -> CellPointer { arena.withLock { $0.allocate(cells) } }
}
