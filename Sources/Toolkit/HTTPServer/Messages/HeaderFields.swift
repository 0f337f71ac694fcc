// SPDX-License-Identifier: Apache-2.0
import Glibc

/// Header fields in the order they came, repeats kept, in one buffer of bytes.
///
/// Names compare without case (RFC 9110 §5.1). A field that could split a message (a name that
/// is no token) is not taken; CR, LF and NUL in a value become spaces (RFC 9110 §5.5).
package struct HeaderFields: Sendable {
    struct Entry: Sendable {
        var nameStart: UInt32
        var nameEnd: UInt32
        var valueStart: UInt32
        var valueEnd: UInt32

        var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
        var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }
    }

    var bytes: [UInt8]
    var entries: [Entry]
    /// The buffer is `name: value CRLF` for each field and nothing else: ready to be sent.
    var isWireForm: Bool

    package init() {
        bytes = []
        entries = []
        isWireForm = true
    }

    /// Fields found by the parser in a message's head.
    init(of head: [UInt8], at entries: [Entry]) {
        bytes = head
        self.entries = entries
        isWireForm = false
    }

    package var count: Int { entries.count }
    package var isEmpty: Bool { entries.isEmpty }

    /// The same fields in the same order, byte for byte: names in another case are others here.
    package func isIdentical(to other: HeaderFields) -> Bool {
        let (block, others) = (block, other.block)
        guard count == other.count, block.count == others.count else { return false }
        return unsafe block.withUnsafeBytes { one in
            unsafe others.withUnsafeBytes { other in
                guard let one = one.baseAddress, let other = other.baseAddress else { return true }
                return unsafe memcmp(one, other, block.count) == 0
            }
        }
    }

    private var block: ArraySlice<UInt8> {
        guard let first = entries.first, let last = entries.last else { return [] }
        return bytes[first.name.lowerBound..<last.value.upperBound]
    }

    /// The first field of that name.
    package subscript(_ name: String) -> String? {
        position(of: name).map { String(decoding: bytes[entries[$0].value], as: UTF8.self) }
    }

    package func contains(_ name: String) -> Bool { position(of: name) != nil }

    /// The first field's value without making a string of it.
    package func bytes(of name: String) -> ArraySlice<UInt8>? {
        position(of: name).map { bytes[entries[$0].value] }
    }

    /// All fields of that name, in order.
    package func values(of name: String) -> [String] {
        var found: [String] = []
        for position in entries.indices where matches(position, name) {
            found.append(String(decoding: bytes[entries[position].value], as: UTF8.self))
        }
        return found
    }

    /// Several fields of one name are one list (RFC 9110 §5.3).
    package func joined(_ name: String) -> String? {
        let values = values(of: name)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// Every field as bytes, in order.
    package func forEach(_ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) -> Void) {
        let all = bytes.span
        for entry in entries { body(all.extracting(entry.name), all.extracting(entry.value)) }
    }

    /// The values of all fields of that name, in order.
    package func forEach(_ name: String, _ body: (_ value: Span<UInt8>) -> Void) {
        for position in entries.indices where matches(position, name) {
            body(bytes.span.extracting(entries[position].value))
        }
    }

    func contains(where isMeant: (_ name: Span<UInt8>) -> Bool) -> Bool {
        entries.contains { isMeant(bytes.span.extracting($0.name)) }
    }

    func position(of name: String, from start: Int = 0) -> Int? {
        let wanted = name.utf8.span
        for position in start..<entries.count where matches(position, wanted) { return position }
        return nil
    }

    private func matches(_ position: Int, _ name: String) -> Bool {
        matches(position, name.utf8.span)
    }

    @inline(__always)
    private func matches(_ position: Int, _ wanted: Span<UInt8>) -> Bool {
        let entry = entries[position]
        guard Int(entry.nameEnd &- entry.nameStart) == wanted.count else { return false }
        return equalIgnoringCase(bytes.span.extracting(entry.name), wanted)
    }
}

extension HeaderFields {
    /// Adds a field behind those of the same name.
    package mutating func append(_ name: String, _ value: String) {
        var value = value
        value.withUTF8 { unsafe append(name, raw: $0) }
    }

    package mutating func append(_ name: String, _ value: [UInt8]) {
        unsafe value.withUnsafeBufferPointer { unsafe append(name, raw: $0) }
    }

    /// Adds all of another's fields behind these.
    package mutating func append(contentsOf other: HeaderFields) {
        guard other.isWireForm else {
            for position in other.entries.indices { copy(position, of: other) }
            return
        }
        makeWireForm()
        let shift = UInt32(bytes.count)
        bytes.append(contentsOf: other.bytes)
        for entry in other.entries {
            entries.append(
                Entry(
                    nameStart: entry.nameStart + shift,
                    nameEnd: entry.nameEnd + shift,
                    valueStart: entry.valueStart + shift,
                    valueEnd: entry.valueEnd + shift
                )
            )
        }
    }

    /// Replaces all fields of that name.
    package mutating func set(_ name: String, _ value: String) {
        remove(name)
        append(name, value)
    }

    /// Puts another's fields in the place of those that have their names.
    package mutating func replace(with others: HeaderFields) {
        for entry in others.entries {
            remove(String(decoding: others.bytes[entry.name], as: UTF8.self))
        }
        append(contentsOf: others)
    }

    package mutating func remove(_ name: String) {
        guard contains(name) else { return }
        var rest = HeaderFields()
        for position in entries.indices where !matches(position, name) {
            rest.copy(position, of: self)
        }
        self = rest
    }

    /// Adds elements to a list-valued field, such as `Vary`, unless they are there.
    package mutating func appendToList(_ name: String, _ element: String) {
        guard let present = joined(name) else { return append(name, element) }
        let wanted = element.lowercased()
        let elements = present.split(separator: ",").map {
            $0.lowercased().drop { $0 == " " }
        }
        guard !elements.contains(wanted[...]), present != "*" else { return }
        set(name, "\(present), \(element)")
    }

    /// Each field as it is sent.
    func appendWire(to output: inout [UInt8]) {
        if isWireForm {
            output.append(contentsOf: bytes)
            return
        }
        var copy = HeaderFields()
        for position in entries.indices { copy.copy(position, of: self) }
        output.append(contentsOf: copy.bytes)
    }

    /// Adds a field whose value is written into a room of so many bytes, by us: nothing in it may
    /// split the message.
    package mutating func append(
        _ name: StaticString,
        room: Int,
        _ write: (inout OutputSpan<UInt8>) -> Void
    ) {
        let value = appendLine(nameCount: name.utf8CodeUnitCount, room: room) {
            $0.append(name)
        } value: {
            write(&$0)
        }
        assert(!ByteClass.splitsMessages(bytes.span.extracting(value)))
    }

    private mutating func append(_ name: String, raw value: UnsafeBufferPointer<UInt8>) {
        let name = name.utf8
        guard ByteClass.isToken(name.span) else { return }
        let value = appendLine(nameCount: name.count, room: value.count) {
            $0.append(name.span)
        } value: {
            unsafe $0.append(value)
        }
        guard ByteClass.splitsMessages(bytes.span.extracting(value)) else { return }
        for index in value where ByteClass.splitsMessages(bytes[index]) {
            bytes[index] = UInt8(ascii: " ")
        }
    }

    @inline(__always)
    private mutating func appendLine(
        nameCount: Int,
        room: Int,
        name writeName: (inout OutputSpan<UInt8>) -> Void,
        value writeValue: (inout OutputSpan<UInt8>) -> Void
    ) -> Range<Int> {
        makeWireForm()
        if bytes.isEmpty {
            bytes.reserveCapacity(768)
            entries.reserveCapacity(12)
        }
        let start = bytes.count
        bytes.append(addingCapacity: nameCount + room + 4) { output in
            writeName(&output)
            output.append(": ")
            writeValue(&output)
            output.append("\r\n")
        }
        let value = start + nameCount + 2..<bytes.count - 2
        entries.append(
            Entry(
                nameStart: UInt32(start),
                nameEnd: UInt32(start + nameCount),
                valueStart: UInt32(value.lowerBound),
                valueEnd: UInt32(value.upperBound)
            )
        )
        return value
    }

    private mutating func copy(_ position: Int, of other: HeaderFields) {
        let entry = other.entries[position]
        let name = String(decoding: other.bytes[entry.name], as: UTF8.self)
        append(name, Array(other.bytes[entry.value]))
    }

    private mutating func makeWireForm() {
        guard !isWireForm else { return }
        let parsed = self
        self = HeaderFields()
        for position in parsed.entries.indices { copy(position, of: parsed) }
    }
}

extension HeaderFields: ExpressibleByDictionaryLiteral, Equatable {
    package init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { append(name, value) }
    }

    package static func == (first: HeaderFields, second: HeaderFields) -> Bool {
        var (left, right): ([UInt8], [UInt8]) = ([], [])
        first.appendWire(to: &left)
        second.appendWire(to: &right)
        return left == right
    }
}
