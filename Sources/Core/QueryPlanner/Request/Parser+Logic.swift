// SPDX-License-Identifier: Apache-2.0

// order=column.desc.nullslast,relation(column)
extension Parser {
    mutating func orderTerms() -> [OrderTerm]? {
        separated(by: { $0.comma() }) { parser in
            parser.lexeme { parser in
                parser.attempt { $0.relatedOrderTerm() } ?? parser.ownOrderTerm()
            }
        }
    }

    private mutating func ownOrderTerm() -> OrderTerm? {
        field().flatMap { orderTerm(of: $0, in: nil) }
    }

    private mutating func relatedOrderTerm() -> OrderTerm? {
        guard let relation = fieldName(), character(UInt8(ascii: "(")), let field = field(),
            character(UInt8(ascii: ")"))
        else { return nil }
        return orderTerm(of: field, in: relation)
    }

    private mutating func orderTerm(of field: Field, in relation: String?) -> OrderTerm? {
        let direction = firstSuffix(Self.directions)
        let nulls = firstSuffix(Self.nulls)
        guard peek(",") || endOfInput() else { return nil }
        return OrderTerm(relation: relation, field: field, direction: direction, nulls: nulls)
    }

    private static let directions: [(StaticString, OrderTerm.Direction)] = [
        ("asc", .ascending), ("desc", .descending),
    ]

    private static let nulls: [(StaticString, OrderTerm.Nulls)] = [
        ("nullsfirst", .first), ("nullslast", .last),
    ]

    private mutating func firstSuffix<Value>(_ words: [(StaticString, Value)]) -> Value? {
        for (word, value) in words
        where attempt({ $0.delimiter() && $0.literal(word) ? () : nil }) != nil {
            return value
        }
        return nil
    }
}

// and=(a.eq.1,not.or(b.eq.2,c.eq.3))
extension Parser {
    mutating func logicTree() -> LogicTree? {
        if let filter = attempt({ $0.logicFilter() }) { return .filter(filter) }
        return nested { $0.logicGroup() }.map { .group($0) }
    }

    private mutating func logicFilter() -> Filter? {
        guard let field = field(), delimiter(), let condition = condition(.inLogic) else {
            return nil
        }
        return Filter(
            field: field,
            isNegated: condition.isNegated,
            operation: condition.operation
        )
    }

    private mutating func logicGroup() -> LogicGroup? {
        let isNegated = label("negation operator (not)") { parser -> Bool? in
            parser.attempt { $0.literal("not") && $0.delimiter() ? () : nil } != nil
        }
        guard let isNegated, let connective = connective() else { return nil }
        guard lexeme({ $0.character(UInt8(ascii: "(")) ? () : nil }) != nil else { return nil }
        guard let members = separated(by: { $0.comma() }, { $0.logicTree() }) else { return nil }
        guard lexeme({ $0.character(UInt8(ascii: ")")) ? () : nil }) != nil else { return nil }
        return LogicGroup(isNegated: isNegated, connective: connective, members: members)
    }

    private mutating func connective() -> LogicGroup.Connective? {
        label("logic operator (and, or)") { parser in
            if parser.attempt({ $0.literal("and") ? () : nil }) != nil { return .and }
            return parser.literal("or") ? .or : nil
        }
    }
}

// Keys: relation.relation.column, relation.not.or
extension Parser {
    mutating func treePath() -> (path: [String], field: Field)? {
        guard var names = separated(by: { $0.delimiter() }, { $0.fieldName() }),
            let path = jsonPath(), let last = names.popLast()
        else { return nil }
        return (names, Field(last, path: path))
    }

    /// `not` may stand anywhere before the connective.
    mutating func logicPath() -> (path: [String], connective: String)? {
        guard var names = separated(by: { $0.delimiter() }, { $0.fieldName() }) else { return nil }
        let isNegated = names.contains("not")
        guard let last = names.popLast() else { return nil }
        return (names.filter { $0 != "not" }, isNegated ? "not." + last : last)
    }

    mutating func columnNames() -> [String]? {
        separated(by: { $0.comma() }, { $0.fieldName() })
    }
}
