// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import PostgresClient

/// One-dimensional arrays of text as PostgreSQL writes them (PostgreSQL §8.15.6).
enum PostgresArray {
    static func texts(_ literal: String) -> [String] {
        var elements: [String] = []
        var element: [UInt8] = []
        var isQuoted = false
        var hasElement = false
        var bytes = literal.utf8.dropFirst()[...]
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\\"):
                if let escaped = bytes.popFirst() { element.append(escaped) }
            case UInt8(ascii: "\""):
                isQuoted.toggle()
                hasElement = true
            case UInt8(ascii: ",") where !isQuoted, UInt8(ascii: "}") where !isQuoted:
                if hasElement { elements.append(String(decoding: element, as: UTF8.self)) }
                element.removeAll()
                hasElement = false
            default:
                element.append(byte)
                hasElement = true
            }
        }
        return elements
    }

    /// The opposite: an array literal of these texts.
    static func literal(_ texts: [String]) -> String {
        let quoted = texts.map { text in
            let escaped = text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] }
            return "\"" + String(escaped) + "\""
        }
        return "{" + quoted.joined(separator: ",") + "}"
    }
}

/// How many rows EXPLAIN expects: `[{"Plan": {"Plan Rows": 12}}]`.
enum PlannedRows {
    static func read(_ result: QueryResult) -> Int? {
        guard result.rowCount > 0, let text = result.string(0, 0),
            let plan = try? JSONValue(parsing: text)
        else { return nil }
        return plan[0]?["Plan"]?["Plan Rows"]?.int
    }
}
