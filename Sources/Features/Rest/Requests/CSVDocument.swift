// SPDX-License-Identifier: Apache-2.0
import JSONCoding

/// Rows of comma-separated values (RFC 4180) under the names of the first line, become JSON while
/// they are read: what is held beside it is a line's worth.
package struct CSVDocument {
    /// Why a body is not CSV, in words the client sees: those of PostgREST's parser, attoparsec.
    package struct Malformed: Error, Equatable {
        package let message: String

        static let isCutShort = Malformed("not enough input", at: [])
        static let isNotText = Malformed(message: "invalid UTF-8 in CSV")
        static let isUneven = Malformed(message: "All lines must have same number of fields")
        static let hasTooManyNames = Malformed(message: "CSV with more than \(namesMax) names")
        static let isTooMuch = Malformed(message: "CSV that is too much for its size; send less")

        fileprivate init(message: String) { self.message = message }

        fileprivate init(_ reason: String, at rest: ArraySlice<UInt8>) {
            let shown =
                rest.count > 100
                ? String(decoding: rest.prefix(100), as: UTF8.self) + " (truncated)"
                : HaskellText.quoted(Array(rest))
            message = "parse error (\(reason)) at \(shown)"
        }
    }

    /// An array of objects of strings; the word `NULL` is null. Fields beyond the names are dropped.
    package let json: [UInt8]
    /// The names that the rows give values for.
    package let givenNames: [String]

    /// Ten times what a table can have (PostgreSQL, Appendix K).
    private static let namesMax = 16_000

    /// Each row repeats the names: of long ones over short rows comes far more than was sent.
    private static func jsonBytesMax(of bytes: Int) -> Int { max(64 << 20, 8 * bytes) }

    package init(parsing bytes: [UInt8]) throws(Malformed) {
        guard (try? UTF8Span(validating: bytes.span)) != nil else { throw .isNotText }
        var reader = CSVReader(bytes)
        var names: [ArraySlice<UInt8>] = []
        let hasNames = try reader.readLine { name throws(Malformed) in
            guard names.count < Self.namesMax else { throw .hasTooManyNames }
            names.append(name)
        }
        // The names' line must end, if no row follows.
        guard hasNames, reader.hasEndedLine else { throw .isCutShort }
        var rows = CSVRows(under: names)
        let bytesMax = Self.jsonBytesMax(of: bytes.count)
        while try reader.readLine({ rows.add($0) }) {
            rows.endRow()
            guard rows.json.count <= bytesMax else { throw .isTooMuch }
        }
        guard rows.areEven else { throw .isUneven }
        json = rows.json + [UInt8(ascii: "]")]
        givenNames = names.prefix(rows.width ?? 0).map { String(decoding: $0, as: UTF8.self) }
    }
}

private struct CSVRows {
    private(set) var json: [UInt8] = [UInt8(ascii: "[")]
    /// How many names the rows give values for; nil before the first.
    private(set) var width: Int?
    /// No line gives more or less than another.
    private(set) var areEven = true
    /// As they stand before a value: `"name":`.
    private let keys: [[UInt8]]
    /// Of the line that is being read.
    private var start = 0
    private var fieldCount = 0
    private var isBlank = true

    init(under names: [ArraySlice<UInt8>]) {
        keys = names.map { name in
            var key: [UInt8] = []
            appendJSONString(utf8: name.span, to: &key)
            return key + [UInt8(ascii: ":")]
        }
    }

    mutating func add(_ value: ArraySlice<UInt8>) {
        if fieldCount == 0 { (start, isBlank) = (json.count, value.isEmpty) }
        fieldCount += 1
        guard areEven, fieldCount <= keys.count else { return }
        json.append(contentsOf: fieldCount > 1 ? ",".utf8 : width == nil ? "{".utf8 : ",{".utf8)
        json.append(contentsOf: keys[fieldCount - 1])
        if value.elementsEqual("NULL".utf8) {
            json.append(contentsOf: "null".utf8)
        } else {
            appendJSONString(utf8: value.span, to: &json)
        }
    }

    mutating func endRow() {
        defer { fieldCount = 0 }
        guard areEven else { return }
        // A line without anything on it is no row.
        if fieldCount == 1, isBlank { return json.removeSubrange(start...) }
        json.append(UInt8(ascii: "}"))
        let given = min(fieldCount, keys.count)
        areEven = given == width ?? given
        width = given
        if !areEven { json = [] }
    }
}

private struct CSVReader {
    private let bytes: [UInt8]
    private var position = 0
    private var lines = 0

    /// Not by the end of the text.
    var hasEndedLine: Bool { lines > 0 }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// Hands over the next line's fields; false at the end.
    mutating func readLine(
        _ take: (ArraySlice<UInt8>) throws(CSVDocument.Malformed) -> Void
    ) throws(CSVDocument.Malformed) -> Bool {
        guard position < bytes.count else { return false }
        while true {
            try take(try field())
            guard position < bytes.count else { return true }
            let separator = bytes[position]
            guard Self.isSeparator(separator) else {
                let reason = hasEndedLine ? "endOfInput" : "Failed reading: satisfy"
                throw CSVDocument.Malformed(reason, at: bytes[position...])
            }
            position += 1
            if separator == UInt8(ascii: ",") {
                guard position == bytes.count else { continue }
                // A comma at the very end opens an empty last field.
                try take([])
                return true
            }
            if separator == UInt8(ascii: "\r"), position < bytes.count,
                bytes[position] == UInt8(ascii: "\n")
            {
                position += 1
            }
            lines += 1
            return true
        }
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: ","), UInt8(ascii: "\r"), UInt8(ascii: "\n"): true
        default: false
        }
    }

    private mutating func field() throws(CSVDocument.Malformed) -> ArraySlice<UInt8> {
        let start = position
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            while position < bytes.count, !Self.isSeparator(bytes[position]),
                bytes[position] != UInt8(ascii: "\"")
            {
                position += 1
            }
            return bytes[start..<position]
        }
        return try quotedField()
    }

    private mutating func quotedField() throws(CSVDocument.Malformed) -> ArraySlice<UInt8> {
        position += 1
        var text: ArraySlice<UInt8> = []
        var start = position
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "\"") else {
                position += 1
                continue
            }
            let run = bytes[start..<position]
            position += 1
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                return text.isEmpty ? run : text + run
            }
            text += run
            start = position  // Two quotes are one; it stays in the text.
            position += 1
        }
        // There, what is left open ends with the text, and loses its last byte.
        throw .isCutShort
    }
}
