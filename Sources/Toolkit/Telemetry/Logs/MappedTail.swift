// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc
import Synchronization

/// The last records of each thread, in a mapped file: what is in it survives the process, however
/// it ends, because the pages belong to the kernel.
///
/// The file is a page that says whether the process ended as it should, and a ring for each
/// thread. Records that come together fill whole lines of 64 bytes and end with their length, so
/// that a ring is read backwards from its end; the end moves when they are complete.
@safe final class MappedTail: Sendable {
    private static let magic: UInt64 = 0x4C54_4149_4C31_0003
    private static let page = 4_096
    static let ringBytes = 1 << 20
    /// What comes together, at most.
    static let togetherBytesMax = 48 << 10
    private static let trailer = 4
    private static let headWords = 8

    private let slotCount: Int
    // Mapped for as long as this lives; each ring has one writer, the holder of its slot's lock.
    nonisolated(unsafe) private let base: UnsafeMutableRawPointer
    private let descriptor: Int32

    /// Takes the file over; what a process that was killed has left in it goes to `leftovers`.
    /// Nil when another process has it, or the disk has no room for it: writing to a mapping of
    /// what is not there would end the process.
    init?(path: String, slots: Int, leftovers: inout [[UInt8]]) {
        slotCount = min(max(1, slots), Shard.slotsMax)
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        let size = Self.page + slotCount * Self.ringBytes
        var memory: UnsafeMutableRawPointer?
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 {
            leftovers = Self.leftovers(descriptor)
            if ftruncate(descriptor, 0) == 0, posix_fallocate(descriptor, 0, size) == 0 {
                unsafe memory = unsafe mmap(
                    nil,
                    size,
                    PROT_READ | PROT_WRITE,
                    MAP_SHARED,
                    descriptor,
                    0
                )
            }
        }
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else {
            Glibc.close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        unsafe base = unsafe memory
        unsafe base.storeBytes(of: Self.magic, as: UInt64.self)
        unsafe base.storeBytes(of: UInt64(slotCount), toByteOffset: 8, as: UInt64.self)
    }

    deinit {
        unsafe munmap(base, Self.page + slotCount * Self.ringBytes)
        Glibc.close(descriptor)
    }

    /// Keeps records, each of them a line; their slot's lock is held.
    func append(_ records: UnsafeRawBufferPointer, slot: Int, pastCaches: Bool = true) {
        assert(records.count <= Self.togetherBytesMax)
        guard slot < slotCount, unsafe !records.isEmpty else { return }
        let head = unsafe base + Self.page + slot * Self.ringBytes
        let ring = unsafe head + Self.headWords * 8
        let end = unsafe head.load(as: UInt64.self)
        let records = unsafe records.bindMemory(to: UInt8.self)
        let size = unsafe keep_records(
            ring.assumingMemoryBound(to: UInt8.self),
            Self.capacity,
            Int(end % UInt64(Self.capacity)),
            records.baseAddress,
            records.count,
            pastCaches ? 1 : 0
        )
        // The records first, then the end: a process killed in between has not written them.
        unsafe Atomic<UInt64>.store(end + UInt64(size), at: head)
    }

    private static let capacity = ringBytes - headWords * 8

    /// What records take, their length and what fills their last line included.
    private static func size(of length: Int) -> UInt64 { UInt64((length + trailer + 63) & ~63) }

    /// The process ends as it should: nothing is to be told of it.
    func close() { unsafe base.storeBytes(of: 1, toByteOffset: 16, as: UInt64.self) }
}

extension MappedTail {
    /// The records of a run that did not end as it should, in no particular order.
    private static func leftovers(_ descriptor: Int32) -> [[UInt8]] {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return [] }
        let sizeMax = page + Shard.slotsMax * ringBytes
        var bytes = [UInt8](repeating: 0, count: min(Int(status.st_size), sizeMax))
        let size = bytes.count
        guard size >= page, unsafe pread(descriptor, &bytes, size, 0) == size else { return [] }
        let slots = Int(clamping: word(bytes, 8))
        guard word(bytes, 0) == magic, word(bytes, 16) == 0, slots <= Shard.slotsMax,
            size >= page + slots * ringBytes
        else { return [] }
        return (0..<slots).flatMap { slot in
            let start = page + slot * ringBytes
            let ring = Array(bytes[start + headWords * 8..<start + ringBytes])
            return records(in: ring, end: word(bytes, start))
        }
    }

    /// Backwards from the end, as far as nothing can have been overwritten.
    private static func records(in ring: [UInt8], end: UInt64) -> [[UInt8]] {
        var found: [[UInt8]] = []
        var position = end
        let reach = UInt64(capacity) - size(of: togetherBytesMax)
        let limit = end > reach ? end - reach : 0
        while position >= limit + UInt64(trailer) {
            let length = bytes(ring, position - UInt64(trailer), trailer).reversed()
                .reduce(0) { $0 << 8 | Int($1) }
            guard length > 0, length <= togetherBytesMax, position >= limit + size(of: length)
            else { break }
            position -= size(of: length)
            found += bytes(ring, position, length).split(separator: 0x0A)
                .filter { $0.count < LogRecord.bytesMax }.map { Array($0) + [0x0A] }
        }
        return found
    }

    private static func bytes(_ ring: [UInt8], _ start: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { ring[Int((start + UInt64($0)) % UInt64(capacity))] }
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension Atomic where Value == UInt64 {
    /// A store that other memory operations are not moved behind.
    @unsafe fileprivate static func store(_ value: UInt64, at memory: UnsafeMutableRawPointer) {
        unsafe memory.assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .store(value, ordering: .releasing)
    }
}
