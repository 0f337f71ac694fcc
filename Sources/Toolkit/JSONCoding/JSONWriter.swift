// SPDX-License-Identifier: Apache-2.0

/// Writes one small document, piece by piece, into a buffer that can be used again.
///
/// It places the commas; the caller closes what it opened. Log lines and error bodies are written
/// with it: no tree, no allocation beyond the buffer.
package struct JSONWriter: Sendable {
    package private(set) var bytes: [UInt8]
    private var needsComma = false

    package init(reserving capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    package init(reusing buffer: consuming [UInt8]) {
        bytes = buffer
        bytes.removeAll(keepingCapacity: true)
    }

    package consuming func finish() -> [UInt8] { bytes }

    package mutating func beginObject() { open(0x7B) }
    package mutating func endObject() { close(0x7D) }
    package mutating func beginArray() { open(0x5B) }
    package mutating func endArray() { close(0x5D) }

    package mutating func key(_ name: StaticString) {
        separate()
        appendJSONString(name, to: &bytes)
        colon()
    }

    package mutating func key(_ name: String) {
        separate()
        appendJSONString(name, to: &bytes)
        colon()
    }

    package mutating func string(_ text: String) { value { appendJSONString(text, to: &$0) } }
    package mutating func string(_ text: StaticString) { value { appendJSONString(text, to: &$0) } }
    package mutating func number(_ number: Int) {
        value { $0.append(contentsOf: String(number).utf8) }
    }

    /// JSON has no infinity and no NaN (RFC 8259 §6): they become null.
    package mutating func number(_ number: Double) {
        guard number.isFinite else { return null() }
        value { $0.append(contentsOf: "\(number)".utf8) }
    }

    package mutating func bool(_ flag: Bool) {
        value { $0.append(contentsOf: (flag ? "true" : "false").utf8) }
    }

    package mutating func null() { value { $0.append(contentsOf: "null".utf8) } }
    package mutating func json(_ tree: JSONValue) { value { tree.append(to: &$0) } }

    /// Bytes that are JSON already.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        value { $0.append(contentsOf: json) }
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func colon() {
        bytes.append(0x3A)
        needsComma = false
    }

    private mutating func separate() {
        if needsComma { bytes.append(0x2C) }
    }

    private mutating func value(_ write: (inout [UInt8]) -> Void) {
        separate()
        write(&bytes)
        needsComma = true
    }
}
