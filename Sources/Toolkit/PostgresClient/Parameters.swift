// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Values for `$1`, `$2`, …, in PostgreSQL's text format (protocol §55.2.3); their types are
/// inferred. One buffer for all of them, each ended by a NUL as libpq wants C strings.
package struct Parameters: Equatable, Sendable {
    struct Entry: Equatable, Sendable {
        /// -1: NULL.
        var offset: Int32
        var length: Int32
    }

    private(set) var bytes: [UInt8] = []
    private(set) var entries: [Entry] = []
    /// A NUL would cut a C string short: PostgreSQL's text has none.
    package private(set) var hasNUL = false

    package init() {}

    package static func == (one: Parameters, other: Parameters) -> Bool {
        guard one.bytes.count == other.bytes.count, one.entries == other.entries else {
            return false
        }
        return unsafe memcmp(one.bytes, other.bytes, one.bytes.count) == 0
    }

    package init(_ texts: [String?]) {
        reserve(texts.count, bytes: texts.reduce(0) { $0 + ($1?.utf8.count ?? 0) + 1 })
        for text in texts { append(text) }
    }

    package var count: Int { entries.count }

    package func text(_ index: Int) -> String? {
        let entry = entries[index]
        guard entry.offset >= 0 else { return nil }
        let start = Int(entry.offset)
        return String(decoding: bytes[start..<start + Int(entry.length)], as: UTF8.self)
    }

    package mutating func reserve(_ count: Int, bytes bytesCount: Int) {
        entries.reserveCapacity(count)
        bytes.reserveCapacity(bytesCount)
    }

    package mutating func append(_ text: String?) {
        guard let text else { return entries.append(Entry(offset: -1, length: 0)) }
        append { $0.append(contentsOf: text.utf8) }
    }

    package mutating func append(utf8 text: some Collection<UInt8>) {
        append { $0.append(contentsOf: text) }
    }

    /// A value that `write` puts behind what is there.
    package mutating func append(_ write: (inout [UInt8]) -> Void) {
        let start = bytes.count
        write(&bytes)
        let length = bytes.count - start
        hasNUL = hasNUL || contains0(from: start)
        bytes.append(0)
        entries.append(
            Entry(offset: Int32(clamping: start), length: Int32(clamping: length))
        )
    }

    private func contains0(from start: Int) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return false }
            return unsafe memchr(base + start, 0, buffer.count - start) != nil
        }
    }
}
