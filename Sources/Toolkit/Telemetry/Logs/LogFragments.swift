// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Fields as they stand in a thread's latest records, to be copied into its next ones: what is said
/// of a route, and of a caller, is the same many times over.
///
/// Like `LogBytes`, a plain value that belongs to its slot: who uses it counts no references.
///
/// `@unchecked Sendable`: a pointer that one thread has at a time, the holder of the slot's lock.
@safe struct LogFragments: @unchecked Sendable {
    /// What the fields are made of, and nothing else.
    struct Key {
        /// What strings consist of: their text up to 15 bytes, or where it lies.
        typealias Identity = (UInt64, UInt64)

        fileprivate var first: Identity
        fileprivate var second: Identity
        fileprivate var third: Identity
        fileprivate var number: UInt64

        /// The number tells apart what else the same texts are used for.
        @inline(__always)
        init(
            _ first: borrowing String,
            _ second: borrowing String = "",
            _ third: borrowing String = "",
            number: UInt64 = 0
        ) {
            self.first = unsafe unsafeBitCast(first, to: Identity.self)
            self.second = unsafe unsafeBitCast(second, to: Identity.self)
            self.third = unsafe unsafeBitCast(third, to: Identity.self)
            self.number = number
        }

        @inline(__always)
        var place: Int {
            var hash = (first.0 ^ first.1) &* 0x9E37_79B9_7F4A_7C15
            hash = (hash ^ second.0 ^ second.1) &* 0x9E37_79B9_7F4A_7C15
            hash = (hash ^ third.0 ^ third.1 ^ number) &* 0x9E37_79B9_7F4A_7C15
            return Int(truncatingIfNeeded: hash &>> 57)
        }

        @inline(__always)
        fileprivate func isSame(as other: Key) -> Bool {
            first == other.first && second == other.second && third == other.third
                && number == other.number
        }
    }

    private struct Entry {
        var key: Key
        /// Where these strings lie, no others can.
        var strings: (String, String, String)
        /// The text that the key does not have, then the fields.
        var bytes = LogBytes()
        var textLength = 0
    }

    private static let entriesMax = 128
    /// Longer ones are made anew each time.
    private static let bytesMax = 512

    private var entries: UnsafeMutablePointer<Entry>?

    init() { unsafe entries = nil }

    /// To be called before it is used.
    mutating func prepare() {
        guard unsafe entries == nil else { return }
        unsafe entries = .allocate(capacity: Self.entriesMax)
        let none = Entry(key: Key("", number: .max), strings: ("", "", ""))
        unsafe entries?.initialize(repeating: none, count: Self.entriesMax)
    }

    mutating func free() {
        guard let entries = unsafe entries else { return }
        for place in 0..<Self.entriesMax { unsafe entries[place].bytes.free() }
        unsafe entries.deinitialize(count: Self.entriesMax)
        unsafe entries.deallocate()
        self = LogFragments()
    }

    /// The fields for a key and a text, if they are here: at the key's place, or beside it. So two
    /// that are used with every record do not push each other out.
    @inline(__always)
    @unsafe func find(_ key: Key, _ text: ArraySlice<UInt8>) -> UnsafeRawBufferPointer? {
        guard let entries = unsafe entries else { return nil }
        let place = key.place
        return unsafe fields(of: entries + place, key, text)
            ?? fields(of: entries + (place ^ 1), key, text)
    }

    @inline(__always)
    @unsafe private func fields(
        of entry: UnsafeMutablePointer<Entry>,
        _ key: Key,
        _ text: ArraySlice<UInt8>
    ) -> UnsafeRawBufferPointer? {
        guard unsafe entry.pointee.key.isSame(as: key),
            unsafe entry.pointee.textLength == text.count
        else { return nil }
        let bytes = unsafe entry.pointee.bytes
        let isSame = unsafe text.withUnsafeBytes { text in
            guard let start = text.baseAddress, let known = unsafe bytes.base else { return true }
            return unsafe memcmp(start, known, text.count) == 0
        }
        return isSame ? unsafe bytes.part(text.count..<bytes.count) : nil
    }

    @unsafe func keep(
        _ fields: UnsafeRawBufferPointer,
        for key: Key,
        _ strings: (String, String, String),
        _ text: ArraySlice<UInt8>
    ) {
        guard text.count + fields.count <= Self.bytesMax, let entries = unsafe entries else {
            return
        }
        let entry = unsafe entries + key.place
        unsafe swap(&entry.pointee, &entries[key.place ^ 1])
        unsafe entry.pointee.key = key
        unsafe entry.pointee.strings = strings
        unsafe entry.pointee.textLength = text.count
        unsafe entry.pointee.bytes.clear()
        unsafe entry.pointee.bytes.reserve(text.count + fields.count, orMore: 128)
        unsafe text.withUnsafeBytes { unsafe entry.pointee.bytes.append($0) }
        unsafe entry.pointee.bytes.append(fields)
    }
}
