// SPDX-License-Identifier: Apache-2.0

// select=alias:column->path::cast.sum()::cast,relation!hint!inner(…),...spread(…)
extension Parser {
    mutating func selectItems() -> [SelectItem]? {
        let start = position
        if let items = separated(by: { $0.comma() }, { $0.selectItem() }) { return items }
        return position == start ? [] : nil
    }

    private mutating func selectItem() -> SelectItem? {
        if let simple = plainSelection() { return simple }
        if var relation = attempt({ $0.spreadRelation() }) ?? attempt({ $0.embeddedRelation() }) {
            guard character(UInt8(ascii: "(")) else { return nil }
            guard let items = nested({ $0.selectItems() }) else { return nil }
            guard character(UInt8(ascii: ")")) else { return nil }
            relation.items = items
            return .relation(relation)
        }
        return selectedField().map { .field($0) }
    }

    /// The fast way for `column` and `*`.
    private mutating func plainSelection() -> SelectItem? {
        guard !records else { return nil }
        var end = position
        if end < bytes.count, bytes[end] == UInt8(ascii: "*") {
            end += 1
        } else {
            while end < bytes.count,
                (97...122).contains(bytes[end]) || (48...57).contains(bytes[end])
                    || bytes[end] == 95
            {
                end += 1
            }
        }
        guard end > position else { return nil }
        guard
            end == bytes.count || bytes[end] == UInt8(ascii: ",") || bytes[end] == UInt8(ascii: ")")
        else { return nil }
        defer { position = end }
        return .field(SelectedField(field: Field(text(position, end))))
    }

    private mutating func spreadRelation() -> SelectedRelation? {
        lexeme { parser in
            guard parser.literal("..."), let name = parser.fieldName() else { return nil }
            return parser.relation(name, alias: nil, isSpread: true)
        }
    }

    private mutating func embeddedRelation() -> SelectedRelation? {
        lexeme { parser in
            let alias = parser.alias()
            guard let name = parser.fieldName(), name != "count" else { return nil }
            return parser.relation(name, alias: alias, isSpread: false)
        }
    }

    private mutating func relation(
        _ name: String,
        alias: String?,
        isSpread: Bool
    ) -> SelectedRelation? {
        var relation = SelectedRelation(name: name, alias: alias, isSpread: isSpread, items: [])
        for _ in 0..<2 where current == UInt8(ascii: "!") || records {
            let start = position
            guard character(UInt8(ascii: "!")) else {
                guard position == start else { return nil }
                continue
            }
            if attempt({ $0.literal("left") ? () : nil }) != nil {
                relation.join = relation.join ?? .left
            } else if attempt({ $0.literal("inner") ? () : nil }) != nil {
                relation.join = relation.join ?? .inner
            } else if let hint = attempt({ $0.fieldName() }) {
                relation.hint = relation.hint ?? hint
            } else {
                return nil
            }
        }
        return peek("(") ? relation : nil
    }

    mutating func alias() -> String? {
        attempt { parser in
            guard let name = parser.fieldName(), parser.character(UInt8(ascii: ":")) else {
                return nil
            }
            return parser.notFollowed(by: { $0 == ":" }, label: "\":\"") ? name : nil
        }
    }
}

extension Parser {
    mutating func selectedField() -> SelectedField? {
        lexeme { parser in
            if let star = parser.attempt({ $0.star() }) { return star }
            if let count = parser.attempt({ $0.countOfRows() }) { return count }
            return parser.columnSelection()
        }
    }

    private mutating func star() -> SelectedField? {
        guard literal("*"), itemEnds() else { return nil }
        return SelectedField(field: Field("*"))
    }

    private mutating func countOfRows() -> SelectedField? {
        let alias = alias()
        guard literal("count()") else { return nil }
        guard case .some(let cast) = optionalCast(), itemEnds() else { return nil }
        return SelectedField(
            field: Field("*"),
            aggregate: .count,
            aggregateCast: cast,
            alias: alias
        )
    }

    private mutating func columnSelection() -> SelectedField? {
        let alias = alias()
        guard let field = field(), case .some(let cast) = optionalCast() else { return nil }
        let aggregate = attempt { $0.aggregate() }
        guard case .some(let aggregateCast) = optionalCast(), itemEnds() else { return nil }
        return SelectedField(
            field: field,
            aggregate: aggregate,
            aggregateCast: aggregateCast,
            cast: cast,
            alias: alias
        )
    }

    /// `::type`; the outer nil is a failure, the inner one no cast.
    private mutating func optionalCast() -> String?? {
        let start = position
        guard literal("::") else { return position == start ? .some(nil) : nil }
        guard let type = identifier() else { return nil }
        return .some(type)
    }

    private mutating func aggregate() -> Aggregate? {
        guard character(UInt8(ascii: ".")), let aggregate = aggregateName() else { return nil }
        return literal("()") ? aggregate : nil
    }

    private mutating func aggregateName() -> Aggregate? {
        for (name, aggregate) in Self.aggregates {
            let start = position
            if literal(name) { return aggregate }
            if position != start { return nil }
        }
        if attempt({ $0.literal("max") ? () : nil }) != nil { return .max }
        return attempt({ $0.literal("min") ? () : nil }) != nil ? .min : nil
    }

    private static let aggregates: [(StaticString, Aggregate)] = [
        ("sum", .sum), ("avg", .avg), ("count", .count),
    ]

    private mutating func itemEnds() -> Bool {
        peek(")") || peek(",") || endOfInput()
    }
}
