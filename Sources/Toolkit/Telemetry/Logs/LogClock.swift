// SPDX-License-Identifier: Apache-2.0
import Glibc

/// RFC 3339 times with nanoseconds: the calendar is consulted once a second, the rest is digits.
struct LogClock {
    private var second: UInt64 = .max
    /// `2026-11-22T17:00:00`
    private var text = InlineArray<19, UInt8>(repeating: 0)

    mutating func append(_ wall: UInt64, to bytes: inout LogBytes) {
        let (second, nanoseconds) = wall.quotientAndRemainder(dividingBy: 1_000_000_000)
        if second != self.second { format(second) }
        let text = text.span
        unsafe text.withUnsafeBufferPointer { text in
            guard let start = text.baseAddress else { return }
            unsafe bytes.append(start, text.count)
        }
        bytes.append(UInt8(ascii: "."))
        bytes.append(nanoseconds: nanoseconds)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// `17:00:00.123`, for eyes.
    mutating func appendTimeOfDay(_ wall: UInt64, to bytes: inout LogBytes) {
        let (second, nanoseconds) = wall.quotientAndRemainder(dividingBy: 1_000_000_000)
        if second != self.second { format(second) }
        for index in 11..<19 { bytes.append(text[index]) }
        bytes.append(thousandths: nanoseconds / 1_000_000)
    }

    private mutating func format(_ second: UInt64) {
        self.second = second
        var time = time_t(second)
        var parts = unsafe tm()
        unsafe gmtime_r(&time, &parts)
        unsafe put(Int(parts.tm_year) + 1900, digits: 4, at: 0)
        unsafe put(Int(parts.tm_mon) + 1, digits: 2, at: 5)
        unsafe put(Int(parts.tm_mday), digits: 2, at: 8)
        unsafe put(Int(parts.tm_hour), digits: 2, at: 11)
        unsafe put(Int(parts.tm_min), digits: 2, at: 14)
        unsafe put(Int(parts.tm_sec), digits: 2, at: 17)
        (text[4], text[7]) = (UInt8(ascii: "-"), UInt8(ascii: "-"))
        text[10] = UInt8(ascii: "T")
        (text[13], text[16]) = (UInt8(ascii: ":"), UInt8(ascii: ":"))
    }

    private mutating func put(_ value: Int, digits: Int, at start: Int) {
        var rest = value
        for index in (start..<start + digits).reversed() {
            text[index] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }
}

/// A wall time (nanoseconds since 1970) as RFC 3339 has it, in UTC, for documents.
package func internetTime(_ wall: UInt64) -> String {
    var bytes = LogBytes()
    defer { bytes.free() }
    bytes.reserve(40)
    var clock = LogClock()
    clock.append(wall, to: &bytes)
    return String(decoding: bytes.copy(from: 0), as: UTF8.self)
}
