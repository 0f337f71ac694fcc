// SPDX-License-Identifier: Apache-2.0
import JSONCoding

/// Rows of comma-separated values (RFC 4180) under the names of the first line.
package struct CSVDocument {
    /// Why a body is not CSV, in words the client sees: those of PostgREST's parser, attoparsec.
    package struct Malformed: Error, Equatable {
        package let message: String

        static let isCutShort = Malformed("not enough input", at: [])
        static let isNotText = Malformed(message: "invalid UTF-8 in CSV")

        fileprivate init(message: String) { self.message = message }

        fileprivate init(_ reason: String, at rest: [UInt8]) {
            let shown =
                rest.count > 100
                ? String(decoding: rest.prefix(100), as: UTF8.self) + " (truncated)"
                : HaskellText.quoted(rest)
            message = "parse error (\(reason)) at \(shown)"
        }
    }

    package let names: [String]
    package let rows: [[String]]

    package init(parsing bytes: [UInt8]) throws(Malformed) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .isNotText
        }
        var reader = CSVReader(text)
        // The names' line must end, if no row follows.
        guard let names = try reader.record(), reader.hasEndedLine else { throw .isCutShort }
        var rows: [[String]] = []
        while let row = try reader.record() {
            // A line without anything on it is no row.
            if row == [""] { continue }
            rows.append(row)
        }
        self.names = names
        self.rows = rows
    }

    /// The rows as a JSON array of objects of strings; the word `NULL` is null. Fields beyond the
    /// names are dropped. Nil if lines differ in what they give.
    package var json: [UInt8]? {
        var out: [UInt8] = [UInt8(ascii: "[")]
        for (index, row) in rows.enumerated() {
            guard width(row) == width(rows[0]) else { return nil }
            out.append(contentsOf: index == 0 ? "{".utf8 : ",{".utf8)
            for (position, (name, value)) in zip(names, row).enumerated() {
                if position > 0 { out.append(UInt8(ascii: ",")) }
                appendJSONString(name, to: &out)
                out.append(UInt8(ascii: ":"))
                if value == "NULL" {
                    out.append(contentsOf: "null".utf8)
                } else {
                    appendJSONString(value, to: &out)
                }
            }
            out.append(UInt8(ascii: "}"))
        }
        out.append(UInt8(ascii: "]"))
        return out
    }

    /// The names that the rows give values for.
    package var givenNames: [String] {
        rows.first.map { Array(names.prefix(width($0))) } ?? []
    }

    private func width(_ row: [String]) -> Int { min(row.count, names.count) }
}

private struct CSVReader {
    private let bytes: String.UTF8View
    private var position: String.Index
    private var lines = 0

    /// Not by the end of the text.
    var hasEndedLine: Bool { lines > 0 }

    init(_ text: String) {
        bytes = text.utf8
        position = bytes.startIndex
    }

    /// The next line's fields, or nil at the end.
    mutating func record() throws(CSVDocument.Malformed) -> [String]? {
        guard position < bytes.endIndex else { return nil }
        var fields: [String] = []
        while true {
            fields.append(try field())
            guard position < bytes.endIndex else { return fields }
            let separator = bytes[position]
            guard ",\r\n".utf8.contains(separator) else {
                let reason = hasEndedLine ? "endOfInput" : "Failed reading: satisfy"
                throw CSVDocument.Malformed(reason, at: Array(bytes[position...]))
            }
            bytes.formIndex(after: &position)
            if separator == UInt8(ascii: ",") {
                // A comma at the very end opens an empty last field.
                if position == bytes.endIndex { return fields + [""] }
                continue
            }
            if separator == UInt8(ascii: "\r"), position < bytes.endIndex,
                bytes[position] == UInt8(ascii: "\n")
            {
                bytes.formIndex(after: &position)
            }
            lines += 1
            return fields
        }
    }

    private mutating func field() throws(CSVDocument.Malformed) -> String {
        guard position < bytes.endIndex, bytes[position] == UInt8(ascii: "\"") else {
            let start = position
            while position < bytes.endIndex, !",\r\n\"".utf8.contains(bytes[position]) {
                bytes.formIndex(after: &position)
            }
            return String(Substring(bytes[start..<position]))
        }
        return try quotedField()
    }

    private mutating func quotedField() throws(CSVDocument.Malformed) -> String {
        bytes.formIndex(after: &position)
        var text = ""
        var start = position
        while position < bytes.endIndex {
            guard bytes[position] == UInt8(ascii: "\"") else {
                bytes.formIndex(after: &position)
                continue
            }
            text += Substring(bytes[start..<position])
            bytes.formIndex(after: &position)
            guard position < bytes.endIndex, bytes[position] == UInt8(ascii: "\"") else {
                return text
            }
            start = position  // Two quotes are one; it stays in the text.
            bytes.formIndex(after: &position)
        }
        // There, what is left open ends with the text, and loses its last byte.
        throw .isCutShort
    }
}
