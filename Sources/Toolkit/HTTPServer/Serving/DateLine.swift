// SPDX-License-Identifier: Apache-2.0
import Glibc

/// `Date: Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), formatted once a second.
struct DateLine {
    private var second: time_t = -1
    private var line: [UInt8] = []

    mutating func append(to output: inout [UInt8]) {
        let now = time(nil)
        if now != second {
            second = now
            line = Self.format(now)
        }
        output.append(contentsOf: line)
    }

    static func format(_ second: time_t) -> [UInt8] {
        var second = second
        var parts = unsafe tm()
        _ = unsafe gmtime_r(&second, &parts)
        let days: [StaticString] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months: [StaticString] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        var line = Array("Date: ".utf8)
        line.append(days[unsafe Int(parts.tm_wday)])
        line.append(", ")
        line.append(twoDigits: unsafe Int(parts.tm_mday))
        line.append(" ")
        line.append(months[unsafe Int(parts.tm_mon)])
        line.append(" ")
        let year = unsafe Int(parts.tm_year) + 1900
        line.append(twoDigits: year / 100)
        line.append(twoDigits: year % 100)
        line.append(" ")
        line.append(twoDigits: unsafe Int(parts.tm_hour))
        line.append(":")
        line.append(twoDigits: unsafe Int(parts.tm_min))
        line.append(":")
        line.append(twoDigits: unsafe Int(parts.tm_sec))
        line.append(" GMT\r\n")
        return line
    }
}

extension [UInt8] {
    mutating func append(_ text: StaticString) {
        unsafe append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        )
    }

    mutating func append(twoDigits value: Int) {
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / 10 % 10))
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10))
    }

    mutating func append(decimal value: Int) {
        if value >= 10 { append(decimal: value / 10) }
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10))
    }

    mutating func append(hexadecimal value: Int) {
        if value >= 16 { append(hexadecimal: value >> 4) }
        let digit = UInt8(truncatingIfNeeded: value & 15)
        append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") - 10 + digit)
    }
}
