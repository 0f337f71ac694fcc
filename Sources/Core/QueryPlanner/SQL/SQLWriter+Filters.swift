// SPDX-License-Identifier: Apache-2.0

extension SQLWriter {
    mutating func condition(_ logic: PlannedLogic, of relation: QualifiedName) {
        condition(logic, of: relation) { writer, isNegated, name in
            writer.identifier(name)
            writer.raw(isNegated ? " IS DISTINCT FROM NULL" : " IS NOT DISTINCT FROM NULL")
        }
    }

    /// `embedIsNull` writes the condition that an embedded relation has no row.
    mutating func condition(
        _ logic: PlannedLogic,
        of relation: QualifiedName,
        embedIsNull: (inout SQLWriter, _ isNegated: Bool, _ name: String) -> Void
    ) {
        switch logic {
        case .filter(let filter): self.filter(filter, of: relation)
        case .embedIsNull(let isNegated, let name): embedIsNull(&self, isNegated, name)
        case .group(let isNegated, let connective, let members):
            if isNegated { raw("NOT") }
            raw(" (")
            list(members, separator: connective == .and ? " AND " : " OR ") { writer, member in
                writer.condition(member, of: relation, embedIsNull: embedIsNull)
            }
            raw(")")
        }
    }

    private mutating func filter(_ filter: PlannedFilter, of relation: QualifiedName) {
        if filter.isNegated { raw("NOT ") }
        field(filter.field, of: relation)
        raw(" ")
        let transform = filter.field.transform
        switch filter.operation {
        case .simple(let name, let text):
            raw(name.sql)
            raw(" ")
            transformed(by: transform) { $0.value(text) }
        case .quantified(let name, let quantifier, let text):
            quantified(name, quantifier, text, transform: transform)
        case .isValue(let truth):
            raw("IS ")
            raw(truth.sql)
        case .isDistinct(let text):
            raw("IS DISTINCT FROM ")
            value(text)
        case .isIn(let elements): isIn(elements, transform: transform)
        case .textSearch(let search, let language, let text):
            raw(search.sql)
            raw("(")
            self.language(language)
            value(text)
            raw(")")
        }
    }

    private mutating func quantified(
        _ name: QuantifiedOperator,
        _ quantifier: Quantifier?,
        _ text: String,
        transform: String?
    ) {
        raw(name.sql)
        raw(" ")
        switch quantifier {
        case .any: raw("ANY(")
        case .all: raw("ALL(")
        case nil: break
        }
        if name == .like || name == .likeIgnoringCase {
            value(Self.starsToPercents(text))
        } else {
            transformed(by: transform) { $0.value(text) }
        }
        if quantifier != nil { raw(")") }
    }

    private static func starsToPercents(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "*")) else { return text }
        let bytes = text.utf8.map { $0 == UInt8(ascii: "*") ? UInt8(ascii: "%") : $0 }
        return String(decoding: bytes, as: UTF8.self)
    }

    // = ANY rather than IN: there is an empty array, but no empty IN; and a list of any length is
    // one parameter of one prepared statement.
    private mutating func isIn(_ elements: [String], transform: String?) {
        if elements == [""] { return raw("= ANY('{}')") }
        raw("= ANY (")
        if let transform {
            raw("(SELECT ")
            transformed(by: transform) { writer in
                writer.raw("unnest(")
                writer.value(Self.arrayLiteral(elements))
                writer.raw("::text[])")
            }
            raw(")")
        } else {
            value(Self.arrayLiteral(elements))
        }
        raw(")")
    }

    /// PostgreSQL manual §8.15.6: every element in quotes, so that none reads as NULL.
    static func arrayLiteral(_ elements: [String]) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for element in elements {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\""))
            for byte in element.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                    bytes.append(UInt8(ascii: "\\"))
                }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }
}
