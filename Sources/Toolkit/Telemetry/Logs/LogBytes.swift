// SPDX-License-Identifier: Apache-2.0
import CLinux
import Glibc

/// A buffer that records are encoded into. Its owner makes room for a whole record at once, so
/// an append is a copy and an addition.
///
/// A plain value on purpose: it moves between a slot, a record and the writer without counting
/// references. Whoever holds it last calls `free()`.
///
/// `@unchecked Sendable`: a pointer that one thread has at a time, handed on under a lock.
@safe struct LogBytes: @unchecked Sendable {
    private(set) var base: UnsafeMutablePointer<UInt8>?
    private(set) var count = 0
    private var capacity = 0

    init() { unsafe base = nil }

    /// Room for so many bytes more; when memory has to be found for them, for so many at least.
    mutating func reserve(_ extra: Int, orMore least: Int = 4_096) {
        guard count + extra > capacity else { return }
        grow(to: max(count + extra, capacity * 2, least))
    }

    /// At the beginning of a cache line: see `move(wholeLinesOf:)`.
    private mutating func grow(to wanted: Int) {
        guard let memory = unsafe aligned_alloc(Self.lineBytes, wanted) else {
            preconditionFailure("no memory for logs")
        }
        if let base = unsafe base { unsafe memcpy(memory, base, count) }
        unsafe Glibc.free(base)
        unsafe base = memory.assumingMemoryBound(to: UInt8.self)
        capacity = wanted
    }

    var isMostlyRoom: Bool { count * 3 < capacity }

    /// The same bytes in memory of their own, with no room beside them.
    func copied() -> LogBytes {
        var copy = LogBytes()
        guard count > 0, let base = unsafe base else { return copy }
        copy.grow(to: count)
        unsafe copy.append(base, count)
        return copy
    }

    mutating func free() {
        unsafe Glibc.free(base)
        self = LogBytes()
    }

    /// Forgets the bytes; gives the memory back when a burst has made it large, at once or when
    /// little of it is needed any more.
    mutating func clear() {
        if capacity > 1 << 20 || (capacity > 128 << 10 && isMostlyRoom) { free() }
        count = 0
    }

    mutating func truncate(to count: Int) { self.count = count }

    mutating func replace(at position: Int, with byte: UInt8) {
        assert(position < count)
        unsafe base.unsafelyUnwrapped[position] = byte
    }

    /// What was written behind the end is part of it now.
    mutating func advance(by length: Int) {
        assert(count + length <= capacity)
        count &+= length
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        assert(count < capacity)
        unsafe base.unsafelyUnwrapped[count] = byte
        count &+= 1
    }

    @inline(__always)
    mutating func append(_ text: StaticString) {
        unsafe append(text.utf8Start, text.utf8CodeUnitCount)
    }

    @inline(__always)
    @unsafe mutating func append(_ start: UnsafePointer<UInt8>, _ length: Int) {
        assert(count + length <= capacity)
        unsafe memcpy(base.unsafelyUnwrapped + count, start, length)
        count &+= length
    }

    @inline(__always)
    @unsafe mutating func append(_ part: UnsafeRawBufferPointer) {
        guard let start = part.baseAddress else { return }
        unsafe append(start.assumingMemoryBound(to: UInt8.self), part.count)
    }

    @inline(__always)
    mutating func append(decimal value: UInt64) {
        guard value >= 10 else {
            return append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: value))
        }
        guard value < 100_000_000 else { return append(manyDigits: value) }
        let digits = Digits.eight(of: value)
        let zeros = digits.trailingZeroBitCount & ~7
        put((digits | Digits.characters) &>> UInt64(zeros))
        count &-= zeros / 8
    }

    private mutating func append(manyDigits value: UInt64) {
        let (upper, lower) = value.quotientAndRemainder(dividingBy: 100_000_000)
        append(decimal: upper)
        put(Digits.eight(of: lower) | Digits.characters)
    }

    /// Nine digits, with leading zeros: the fraction of a second.
    mutating func append(nanoseconds value: UInt64) {
        let (first, rest) = value.quotientAndRemainder(dividingBy: 100_000_000)
        append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: first))
        put(Digits.eight(of: rest) | Digits.characters)
    }

    mutating func append(hexadecimal value: UInt64, digits: Int) {
        var shift = UInt64(digits &* 4)
        while shift > 0 {
            shift &-= 4
            append(Hexadecimal.character(UInt8(truncatingIfNeeded: value &>> shift) & 15))
        }
    }

    /// All sixteen digits.
    @inline(__always)
    mutating func append(hexadecimal value: UInt64) {
        put(Hexadecimal.eightCharacters(UInt32(truncatingIfNeeded: value &>> 32)))
        put(Hexadecimal.eightCharacters(UInt32(truncatingIfNeeded: value)))
    }

    /// The value's bytes as they lie in memory.
    @inline(__always)
    private mutating func put<Word: BitwiseCopyable>(_ word: Word) {
        assert(count + MemoryLayout<Word>.size <= capacity)
        unsafe UnsafeMutableRawPointer(base.unsafelyUnwrapped + count)
            .storeBytes(of: word, as: Word.self)
        count &+= MemoryLayout<Word>.size
    }

    /// Two ASCII characters at once.
    @inline(__always)
    mutating func append(_ first: Unicode.Scalar, _ second: Unicode.Scalar) {
        put(UInt16(truncatingIfNeeded: first.value | second.value << 8).littleEndian)
    }

    /// Milliseconds with three decimals.
    @inline(__always)
    mutating func append(milliseconds nanoseconds: UInt64) {
        assert(count + Digits.millisecondsBytesMax <= capacity)
        let end = unsafe base.unsafelyUnwrapped + count
        count &+= unsafe Digits.put(milliseconds: nanoseconds, at: end)
    }

    /// `.042`
    @inline(__always)
    mutating func append(thousandths value: UInt64) {
        put(Digits.fraction(thousandths: value))
    }

    var isEmpty: Bool { count == 0 }

    @inline(__always)
    mutating func append(_ mark: LogMark) { put(mark) }

    func mark(at position: Int) -> LogMark {
        assert(position + LogMark.size <= count)
        return unsafe UnsafeRawPointer(base.unsafelyUnwrapped + position)
            .loadUnaligned(as: LogMark.self)
    }

    /// Appends a part of another buffer, making room for it.
    mutating func append(_ other: LogBytes, _ range: Range<Int>) {
        reserve(range.count)
        guard let start = unsafe other.base else { return }
        unsafe append(start + range.lowerBound, range.count)
    }

    @unsafe var all: UnsafeRawBufferPointer { unsafe part(0..<count) }

    /// The bytes of a part, as they lie in memory; valid while the buffer is.
    @unsafe func part(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        guard let base = unsafe base else {
            return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        }
        return unsafe UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    private static let lineBytes = 64

    /// Takes over those whole cache lines that another buffer begins with, past the caches: nobody
    /// reads them soon, and not on this processor. Until the rest follows by `append`, the buffer
    /// is to be filled by this alone.
    mutating func move(wholeLinesOf other: inout LogBytes, orMore least: Int) {
        let length = other.count & ~(Self.lineBytes - 1)
        guard length > 0, let start = unsafe other.base else { return }
        reserve(length, orMore: least)
        assert(count % Self.lineBytes == 0)
        unsafe store_lines(base.unsafelyUnwrapped + count, start, length)
        count &+= length
        unsafe memmove(start, start + length, other.count &- length)
        other.count &-= length
    }

    func copy(from start: Int) -> [UInt8] {
        guard let base = unsafe base, start < count else { return [] }
        return unsafe Array(UnsafeBufferPointer(start: base + start, count: count - start))
    }
}

/// Digits as they lie in memory: eight at a time, by multiplications instead of divisions.
enum Digits {
    static let characters: UInt64 = 0x3030_3030_3030_3030

    /// The digits of a number below a hundred million, a byte each, the first one lowest.
    @inline(__always)
    static func eight(of value: UInt64) -> UInt64 {
        let upper = value / 10_000
        // Two numbers of four digits become four of two, and those eight of one.
        let fours = upper | (value &- upper &* 10_000) << 32
        let hundreds = (fours &* 10_486) >> 20 & 0x0000_007F_0000_007F
        let twos = hundreds | (fours &- hundreds &* 100) << 16
        let tens = (twos &* 103) >> 10 & 0x000F_000F_000F_000F
        return (tens | (twos &- tens &* 10) << 8).littleEndian
    }

    static let millisecondsBytesMax = 32

    /// Milliseconds with three decimals; says how many bytes.
    @inline(__always)
    @unsafe static func put(
        milliseconds nanoseconds: UInt64,
        at memory: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let value = nanoseconds / 1_000
        guard value < 10_000 else { return unsafe put(many: value, at: memory) }
        let hundreds = (value &* 5_243) >> 19
        let twos = hundreds | (value &- hundreds &* 100) << 16
        let tens = (twos &* 103) >> 10 & 0x000F_000F
        let digits = tens | (twos &- tens &* 10) << 8
        let text = digits & 0xFF | (digits & 0xFFFF_FF00) << 8 | 0x30_3030_2E30
        unsafe UnsafeMutableRawPointer(memory).storeBytes(of: text.littleEndian, as: UInt64.self)
        return 5
    }

    @inline(never)
    @unsafe private static func put(
        many microseconds: UInt64,
        at memory: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1_000)
        var length = 0
        if whole >= 100_000_000 {
            for byte in String(whole / 100_000_000).utf8 {
                unsafe memory[length] = byte
                length &+= 1
            }
        }
        let digits = eight(of: whole % 100_000_000)
        let zeros = length > 0 ? 0 : (digits | 1 << 56).trailingZeroBitCount & ~7
        let end = unsafe UnsafeMutableRawPointer(memory + length)
        unsafe end.storeBytes(of: (digits | characters) &>> UInt64(zeros), as: UInt64.self)
        length &+= 8 &- zeros / 8
        unsafe UnsafeMutableRawPointer(memory + length)
            .storeBytes(of: fraction(thousandths: rest), as: UInt32.self)
        return length &+ 4
    }

    /// `.042`
    @inline(__always)
    static func fraction(thousandths value: UInt64) -> UInt32 {
        let hundreds = (value &* 41) >> 12
        let rest = value &- hundreds &* 100
        let tens = (rest &* 103) >> 10
        let digits = hundreds << 8 | tens << 16 | (rest &- tens &* 10) << 24
        return UInt32(truncatingIfNeeded: digits | 0x3030_302E).littleEndian
    }
}

extension LogBytes {
    /// Once more what was appended at a position: 32 bytes.
    @inline(__always)
    mutating func appendAgain(from position: Int) {
        assert(position + 32 <= count && count + 32 <= capacity)
        let base = unsafe base.unsafelyUnwrapped
        unsafe memcpy(base + count, base + position, 32)
        count &+= 32
    }

    /// What a layer took, as the record of a request has it: `,"sql":0.264`, if it is a microsecond
    /// or more. Which layers are that quick changes with every request: there is no branch for it.
    @inline(__always)
    mutating func append(_ key: LayerKey, _ nanoseconds: UInt64) {
        assert(count + 16 + Digits.millisecondsBytesMax <= capacity)
        let start = unsafe base.unsafelyUnwrapped + count
        unsafe UnsafeMutableRawPointer(start).storeBytes(of: key.text, as: SIMD2<UInt64>.self)
        let length = unsafe Digits.put(milliseconds: nanoseconds, at: start + key.length)
        // All ones or nothing: what is too short is negative, once it is less than a microsecond.
        let isLong = Int(truncatingIfNeeded: 999 &- nanoseconds) >> 63
        count &+= (key.length &+ length) & isLong
    }
}

/// `,"sql":`
struct LayerKey {
    fileprivate let text: SIMD2<UInt64>
    fileprivate let length: Int

    /// By the layers' places.
    static let all = Layer.allCases.map { LayerKey($0) }

    private init(_ layer: Layer) {
        let bytes = Array(",\"\(layer.label)\":".utf8)
        precondition(bytes.count <= 16)
        length = bytes.count
        let words = [bytes.prefix(8), bytes.dropFirst(8)].map { part in
            part.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        text = SIMD2(words[0], words[1])
    }
}
