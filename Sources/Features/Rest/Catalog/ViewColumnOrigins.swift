// SPDX-License-Identifier: Apache-2.0

/// Which column of which relation each column of a view shows, read from the view's stored query.
///
/// `pg_rewrite.ev_action` is a printed node tree (PostgreSQL: src/backend/nodes/outfuncs.c):
/// `({QUERY … :targetList ({TARGETENTRY … :resno 1 … :resorigtbl 16385 :resorigcol 2 …} …) …})`.
/// Only the target list of the outermost query counts, so this walks the text once with the depth
/// of its braces and stops where that list ends. A backslash escapes what follows it.
struct ViewColumnOrigins {
    struct Origin: Equatable {
        var column = 0
        var relation = 0
        var relationColumn = 0
    }

    private let bytes: [UInt8]
    private var position = 0

    static func read(_ rule: String) -> [Origin] {
        var reader = ViewColumnOrigins(bytes: Array(rule.utf8))
        return reader.origins()
    }

    private mutating func origins() -> [Origin] {
        var found: [Origin] = []
        var entry = Origin()
        var depth = 0
        var isInTargetList = false
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\\"): position += 1
            case UInt8(ascii: "{"):
                depth += 1
                if depth == 2 { entry = Origin() }
            case UInt8(ascii: "}"):
                if depth == 2, isInTargetList, entry.relation != 0 { found.append(entry) }
                depth -= 1
            case UInt8(ascii: ":") where depth == 1:
                if isInTargetList { return found }
                isInTargetList = isKey("targetList ")
            case UInt8(ascii: ":") where depth == 2 && isInTargetList:
                readField(into: &entry)
            default: break
            }
            position += 1
        }
        return found
    }

    private mutating func readField(into entry: inout Origin) {
        if isKey("resno ") {
            entry.column = number(after: 6)
        } else if isKey("resorigtbl ") {
            entry.relation = number(after: 11)
        } else if isKey("resorigcol ") {
            entry.relationColumn = number(after: 11)
        }
    }

    private func isKey(_ key: StaticString) -> Bool {
        let start = position + 1
        guard start + key.utf8CodeUnitCount <= bytes.count else { return false }
        return bytes[start...].starts(with: key.description.utf8)
    }

    private func number(after length: Int) -> Int {
        var value = 0
        for byte in bytes[(position + 1 + length)...] {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
            value = value * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return value
    }
}
