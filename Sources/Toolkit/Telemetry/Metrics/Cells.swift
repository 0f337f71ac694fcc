// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Synchronization

/// The memory of all series: for each cell one word in each slot, `stride` bytes apart.
///
/// A loop's words lie together, so two loops share no cache line, and a handle is one pointer:
/// slot `s` of a cell is at `pointer + s * stride`. Pages nobody writes are never backed.
@safe struct CellPointer: Equatable, Sendable {
    // Points into a slab, and slabs live as long as the process.
    nonisolated(unsafe) private let base: UnsafeMutablePointer<Atomic<UInt64>>

    static let wordsPerSlab = 4_096

    init(_ base: UnsafeMutablePointer<Atomic<UInt64>>) { unsafe self.base = unsafe base }

    static func == (one: Self, other: Self) -> Bool { unsafe one.base == other.base }

    /// Single writer per loop slot: a plain load and store, no locked instruction.
    @inline(__always)
    func add(_ amount: UInt64, at offset: Int = 0, slot: Int) {
        let cell = unsafe base + (slot &* Self.wordsPerSlab &+ offset)
        if slot == Shard.foreign {
            unsafe cell.pointee.wrappingAdd(amount, ordering: .relaxed)
        } else {
            let sum = unsafe cell.pointee.load(ordering: .relaxed) &+ amount
            unsafe cell.pointee.store(sum, ordering: .relaxed)
        }
    }

    func store(_ value: UInt64, at offset: Int = 0) {
        unsafe (base + offset).pointee.store(value, ordering: .relaxed)
    }

    @inline(__always)
    func load(at offset: Int = 0, slot: Int) -> UInt64 {
        unsafe (base + (slot &* Self.wordsPerSlab &+ offset)).pointee.load(ordering: .relaxed)
    }

    func sum(at offset: Int = 0) -> UInt64 {
        var total: UInt64 = 0
        for slot in 0..<Shard.slotsUsed { total &+= load(at: offset, slot: slot) }
        return total
    }
}

/// Hands out cells, slab by slab. Cells are never given back: series do not end.
@safe struct CellArena: ~Copyable, @unchecked Sendable {
    private var slab: UnsafeMutablePointer<Atomic<UInt64>>?
    private var used = 0

    mutating func allocate(_ count: Int) -> CellPointer {
        precondition(count <= CellPointer.wordsPerSlab)
        if unsafe slab == nil || used + count > CellPointer.wordsPerSlab {
            unsafe slab = unsafe Self.map()
            used = 0
        }
        defer { used += count }
        guard let slab = unsafe slab else { preconditionFailure("no memory for metrics") }
        return unsafe CellPointer(slab + used)
    }

    private static func map() -> UnsafeMutablePointer<Atomic<UInt64>>? {
        let count = CellPointer.wordsPerSlab * Shard.slotsMax
        let bytes = count * MemoryLayout<UInt64>.stride
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let memory = unsafe mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return nil }
        // Huge pages would back the slots of loops that do not exist.
        _ = unsafe madvise(memory, bytes, Int32(MADV_NOHUGEPAGE))
        // Zeroed words are initialised atomics: `Atomic<UInt64>` is its value.
        return unsafe memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
    }
}
