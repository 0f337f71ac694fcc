// SPDX-License-Identifier: Apache-2.0

/// `application/x-www-form-urlencoded` (WHATWG URL §5.1).
package enum FormFields {
    package static func parse(_ bytes: [UInt8]) -> [(name: String, value: String)] {
        bytes.split { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }.map { pair in
            let parts = pair.split(
                separator: UInt8(ascii: "="),
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
        }
    }

    static func decoded(_ bytes: ArraySlice<UInt8>, plusIsSpace: Bool = true) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        while position < bytes.endIndex {
            let byte = bytes[position]
            if byte == UInt8(ascii: "%"), position + 2 < bytes.endIndex,
                let high = JSONText.hexadecimal(bytes[position + 1]),
                let low = JSONText.hexadecimal(bytes[position + 2])
            {
                out.append(high << 4 | low)
                position += 3
                continue
            }
            out.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            position += 1
        }
        return String(decoding: out, as: UTF8.self)
    }
}
