// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Text put where it is wanted, without a string or an array in between.
extension OutputSpan<UInt8> {
    @inline(__always)
    package mutating func append(_ text: StaticString) {
        unsafe append(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    package mutating func append(_ text: Span<UInt8>) {
        unsafe text.withUnsafeBufferPointer { unsafe append($0) }
    }

    @inline(__always)
    @unsafe mutating func append(_ text: UnsafeBufferPointer<UInt8>) {
        precondition(text.count <= freeCapacity, "no room for the text")
        guard let source = text.baseAddress else { return }
        unsafe withUnsafeMutableBufferPointer { buffer, count in
            guard let base = buffer.baseAddress else { return }
            unsafe memcpy(base + count, source, text.count)
            count += text.count
        }
    }

    package mutating func append(decimal number: UInt64) {
        if number >= 10 { append(decimal: number / 10) }
        append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number % 10))
    }

    /// Milliseconds with so many decimals, from nanoseconds; what is beyond them is cut off.
    package mutating func append(milliseconds nanoseconds: UInt64, decimals: Int) {
        append(decimal: nanoseconds / 1_000_000)
        append(UInt8(ascii: "."))
        var unit: UInt64 = 100_000
        for _ in 0..<decimals {
            append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: nanoseconds / unit % 10))
            unit /= 10
        }
    }
}
