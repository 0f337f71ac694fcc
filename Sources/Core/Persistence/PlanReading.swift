// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import Telemetry

/// What `EXPLAIN (VERBOSE, FORMAT JSON)` printed, read: its shape, its scans, and the document
/// without literals.
struct PlanReading {
    private(set) var outline: [String] = []
    private(set) var scans: [SequentialScan] = []
    private let document: JSONValue

    init(json: String) {
        document = Self.masked((try? JSONValue(parsing: Array(json.utf8))) ?? .array([]))
        if let root = document[0]?["Plan"] { visit(root, depth: 0) }
    }

    func plan(_ findings: [String]) -> StatementPlan {
        StatementPlan(
            hash: Self.hash(outline),
            outline: outline,
            findings: findings,
            json: document.compactText
        )
    }

    private mutating func visit(_ node: JSONValue, depth: Int) {
        func text(_ name: String) -> String? { node[name]?.string }
        var line = String(repeating: "  ", count: depth) + (text("Node Type") ?? "?")
        if let join = text("Join Type"), join != "Inner" { line += " \(join)" }
        if let index = text("Index Name") { line += " using \(index)" }
        if let name = text("Relation Name") ?? text("CTE Name") ?? text("Function Name") {
            line += " on \(name)"
        }
        outline.append(line)
        if text("Node Type") == "Seq Scan", let filter = text("Filter"),
            let relation = text("Relation Name"), let schema = text("Schema")
        {
            scans.append(
                SequentialScan(
                    schema: schema,
                    relation: relation,
                    filter: filter,
                    rowsExpected: node["Plan Rows"]?.double ?? 0
                )
            )
        }
        for child in node["Plans"]?.array ?? [] { visit(child, depth: depth + 1) }
    }

    /// Output lists are long and say nothing; a literal may be somebody's (a policy's, a view's).
    private static func masked(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(masked(text))
        case .array(let elements): .array(elements.map(masked))
        case .object(let members):
            .object(members.filter { $0.0 != "Output" }.map { ($0.0, masked($0.1)) })
        case .null, .bool, .number: value
        }
    }

    static func masked(_ text: String) -> String {
        var pieces = text.split(separator: "'", omittingEmptySubsequences: false)
        guard pieces.count > 2 else { return text }
        // A doubled quote inside a literal ends one piece and begins another: both are masked.
        for position in stride(from: 1, to: pieces.count, by: 2) { pieces[position] = "?" }
        return pieces.joined(separator: "'")
    }

    /// FNV-1a.
    private static func hash(_ lines: [String]) -> UInt64 {
        lines.joined(separator: "\n").utf8.reduce(0xCBF2_9CE4_8422_2325) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
    }
}

/// A relation read from its first row to its last, for the sake of some.
struct SequentialScan: Equatable {
    var schema: String
    var relation: String
    var filter: String
    var rowsExpected: Double

    /// Smaller ones are read faster than any index.
    private static let rowsMin = 10_000.0
    private static let selectivityMax = 0.1

    var mightUseIndex: Bool {
        [" = ", " < ", " > ", " <= ", " >= "].contains { filter.contains($0) }
    }

    /// `columns`: each column's name, its relation's rows, and whether an index begins with it.
    func finding(_ columns: [[String?]]) -> String? {
        let words = Self.words(filter)
        let filtered = columns.filter { $0.count == 3 && words.contains($0[0] ?? "") }
        guard let rows = filtered.first?[1].flatMap({ Double($0) }), rows >= Self.rowsMin,
            rowsExpected <= rows * Self.selectivityMax,
            filtered.allSatisfy({ $0[2] == "f" })
        else { return nil }
        let names = filtered.compactMap { $0[0] }.joined(separator: ", ")
        return "Seq Scan on \(schema).\(relation) (\(Int(rows)) rows) filters by \(names), "
            + "which no index begins with"
    }

    /// The identifiers in an expression, without the types that it casts to.
    private static func words(_ expression: String) -> Set<String> {
        var words: Set<String> = []
        var word = ""
        var isQuoted = false
        var colons = 0
        for character in expression + " " {
            if isQuoted
                ? character != "\""
                : character.isLetter || character.isNumber
                    || character == "_"
            {
                word.append(character)
                continue
            }
            if character == "\"" { isQuoted.toggle() }
            if !word.isEmpty, !isQuoted || character == "\"" {
                if colons < 2 { words.insert(word) }
                word = ""
                colons = 0
            }
            colons = character == ":" ? colons + 1 : 0
        }
        return words
    }
}
