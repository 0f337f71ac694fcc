// SPDX-License-Identifier: Apache-2.0

/// A message of Protocol Buffers being written, as far as metrics and profiles
/// need it (protobuf.dev, "Encoding").
package struct ProtobufBytes {
    package private(set) var bytes: [UInt8] = []

    private enum WireType: UInt64 { case varint = 0, fixed64 = 1, length = 2 }

    package init() {}

    mutating func reserve(_ capacity: Int) { bytes.reserveCapacity(capacity) }

    /// Empty again, its memory kept.
    mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    @inline(__always)
    package mutating func append(varint value: UInt64) {
        guard value >= 0x80 else { return bytes.append(UInt8(truncatingIfNeeded: value)) }
        append(longVarint: value)
    }

    private mutating func append(longVarint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    package mutating func field(_ number: UInt64, _ value: UInt64) {
        key(number, .varint)
        append(varint: value)
    }

    /// `sint32`, `sint64`: small numbers of either sign are short.
    mutating func field(_ number: UInt64, zigzag value: Int) {
        field(number, UInt64(bitPattern: Int64(value << 1 ^ value >> 63)))
    }

    mutating func field(_ number: UInt64, _ value: Double) {
        key(number, .fixed64)
        unsafe withUnsafeBytes(of: value.bitPattern.littleEndian) {
            unsafe bytes.append(contentsOf: $0)
        }
    }

    package mutating func field(_ number: UInt64, _ text: String) {
        key(number, .length)
        append(varint: UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// A message of a varint and a double, as buckets are: its length is known beforehand.
    mutating func field(_ number: UInt64, first: UInt64, second: Double) {
        key(number, .length)
        let digits = max(1, (70 - first.leadingZeroBitCount) / 7)
        append(varint: UInt64(digits + 10))
        field(1, first)
        field(2, second)
    }

    package mutating func field(_ number: UInt64, _ contents: [UInt8]) {
        key(number, .length)
        append(delimited: contents)
    }

    package mutating func field(_ number: UInt64, _ message: ProtobufBytes) {
        field(number, message.bytes)
    }

    mutating func append(delimited contents: [UInt8]) {
        append(varint: UInt64(contents.count))
        bytes.append(contentsOf: contents)
    }

    private mutating func key(_ number: UInt64, _ type: WireType) {
        append(varint: number << 3 | type.rawValue)
    }
}
