// SPDX-License-Identifier: Apache-2.0

/// `application/x-www-form-urlencoded` (WHATWG URL §5.1).
package enum FormFields {
    /// Hands over name and value of each, in order.
    static func forEach(in bytes: [UInt8], _ take: (String, String) -> Void) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let pair = rest.prefix { $0 != UInt8(ascii: "&") && $0 != UInt8(ascii: ";") }
            rest = rest[pair.endIndex...].dropFirst()
            guard !pair.isEmpty else { continue }
            let name = pair.prefix { $0 != UInt8(ascii: "=") }
            take(decoded(name), decoded(pair[name.endIndex...].dropFirst()))
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
