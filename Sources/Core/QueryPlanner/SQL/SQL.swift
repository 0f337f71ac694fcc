// SPDX-License-Identifier: Apache-2.0

/// One statement: its text, and the values of `$1`, `$2`, … Values are never part of the text, so
/// equal requests but for their values share one prepared statement.
package struct SQL: Sendable, Equatable {
    package let text: String
    package let parameters: [String?]

    package init(text: String, parameters: [String?]) {
        self.text = text
        self.parameters = parameters
    }
}

/// Appends SQL to one buffer.
struct SQLWriter {
    private var bytes: [UInt8] = []
    private var parameters: [String?] = []

    init() { bytes.reserveCapacity(512) }

    var sql: SQL { SQL(text: String(decoding: bytes, as: UTF8.self), parameters: parameters) }

    /// Text of ours, never of a request.
    mutating func raw(_ text: StaticString) {
        unsafe bytes.append(
            contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        )
    }

    /// Text of the catalog (types, default expressions, function names), or a type name the parser
    /// has admitted.
    mutating func trusted(_ text: String) { bytes.append(contentsOf: text.utf8) }

    mutating func identifier(_ name: String) {
        bytes.append(UInt8(ascii: "\""))
        for byte in name.utf8 {
            // PostgreSQL's names end at a NUL byte.
            if byte == 0 { break }
            if byte == UInt8(ascii: "\"") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    mutating func name(_ name: QualifiedName) {
        if !name.schema.isEmpty {
            identifier(name.schema)
            bytes.append(UInt8(ascii: "."))
        }
        identifier(name.name)
    }

    mutating func column(_ column: String, of relation: QualifiedName) {
        name(relation)
        bytes.append(UInt8(ascii: "."))
        if column == "*" { bytes.append(UInt8(ascii: "*")) } else { identifier(column) }
    }

    /// A value. PostgreSQL infers its type from where it stands, as of a quoted literal.
    mutating func value(_ value: String?) {
        parameters.append(value)
        bytes.append(UInt8(ascii: "$"))
        trusted(String(parameters.count))
    }

    /// A quoted literal, only for names out of the catalog.
    mutating func literal(_ text: String) {
        if text.utf8.contains(UInt8(ascii: "\\")) { bytes.append(UInt8(ascii: "E")) }
        bytes.append(UInt8(ascii: "'"))
        for byte in text.utf8 where byte != 0 {
            if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\\") { bytes.append(byte) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "'"))
    }

    mutating func list<Members: Collection>(
        _ members: Members,
        separator: StaticString = ", ",
        _ write: (inout SQLWriter, Members.Element) -> Void
    ) {
        var isFirst = true
        for member in members {
            if !isFirst { raw(separator) }
            isFirst = false
            write(&self, member)
        }
    }
}
