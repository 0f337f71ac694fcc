// SPDX-License-Identifier: Apache-2.0

/// Appends `text` as a JSON string, quotes included, escaping only what RFC 8259 §7 demands.
package func appendJSONString(_ text: String, to bytes: inout [UInt8]) {
    let span = text.utf8.span
    appendJSONString(utf8: span, to: &bytes)
}

package func appendJSONString(_ text: StaticString, to bytes: inout [UInt8]) {
    let buffer = unsafe UnsafeBufferPointer(
        start: text.utf8Start,
        count: text.utf8CodeUnitCount
    )
    unsafe appendJSONString(utf8: buffer.span, to: &bytes)
}

/// Bytes known to be UTF-8 (from a `String`, or validated at the door).
package func appendJSONString(utf8 text: Span<UInt8>, to bytes: inout [UInt8]) {
    unsafe text.withUnsafeBufferPointer { buffer in
        bytes.append(0x22)
        var runStart = 0
        // Whole runs are copied at once: most text has nothing to escape.
        for index in 0..<buffer.count {
            let byte = unsafe buffer[index]
            guard byte < 0x20 || byte == 0x22 || byte == 0x5C else { continue }
            unsafe bytes.append(contentsOf: buffer[runStart..<index])
            appendEscape(of: byte, to: &bytes)
            runStart = index + 1
        }
        unsafe bytes.append(contentsOf: buffer[runStart..<buffer.count])
        bytes.append(0x22)
    }
}

/// Bytes of unknown origin (a request's target in a log line): what is not UTF-8 is replaced.
package func appendJSONString(lossy text: Span<UInt8>, to bytes: inout [UInt8]) {
    if (try? UTF8Span(validating: text)) != nil {
        appendJSONString(utf8: text, to: &bytes)
        return
    }
    let repaired = unsafe text.withUnsafeBufferPointer { buffer in
        unsafe String(decoding: buffer, as: UTF8.self)
    }
    appendJSONString(repaired, to: &bytes)
}

private func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(0x5C)
    switch byte {
    case 0x22, 0x5C: bytes.append(byte)
    case 0x08: bytes.append(0x62)
    case 0x0C: bytes.append(0x66)
    case 0x0A: bytes.append(0x6E)
    case 0x0D: bytes.append(0x72)
    case 0x09: bytes.append(0x74)
    default:
        bytes.append(contentsOf: "u00".utf8)
        bytes.append(byte < 0x10 ? 0x30 : 0x31)
        let low = byte & 0x0F
        bytes.append(low < 10 ? 0x30 + low : 0x61 + low - 10)
    }
}
