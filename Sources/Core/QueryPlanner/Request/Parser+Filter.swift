// SPDX-License-Identifier: Apache-2.0

// column=not.operator(modifier).value
extension Parser {
    /// Where a value ends: at the end of the parameter, or where a list of conditions goes on.
    enum ValueKind { case whole, inLogic }

    mutating func condition(_ kind: ValueKind) -> (isNegated: Bool, operation: Operation)? {
        let isNegated = attempt { $0.literal("not") && $0.delimiter() ? () : nil } != nil
        let operation = label("operator (eq, gt, ...)") { $0.operation(kind) }
        return operation.map { (isNegated, $0) }
    }

    private mutating func operation(_ kind: ValueKind) -> Operation? {
        if let equality = plainEquality(kind) { return equality }
        if attempt({ $0.literal("in") && $0.delimiter() ? () : nil }) != nil {
            return list().map { .isIn($0) }
        }
        if attempt({ $0.literal("is") && $0.delimiter() ? () : nil }) != nil {
            return truth().map { .isValue($0) }
        }
        if attempt({ $0.literal("isdistinct") && $0.delimiter() ? () : nil }) != nil {
            return value(kind).map { .isDistinct($0) }
        }
        return attempt { $0.textSearch(kind) } ?? attempt { $0.simple(kind) }
            ?? attempt { $0.quantified(kind) }
    }

    /// The fast way for what is asked most.
    private mutating func plainEquality(_ kind: ValueKind) -> Operation? {
        guard !records, kind == .whole, position + 2 < bytes.count, bytes[position] == 101,
            bytes[position + 1] == 113, bytes[position + 2] == 46
        else { return nil }
        let value = text(position + 3, bytes.count)
        position = bytes.count
        return .quantified(.equal, nil, value)
    }

    private mutating func truth() -> Truth? {
        label("isVal: (null, not_null, true, false, unknown)") { parser in
            for (word, truth) in Self.truths
            where parser.attempt({ $0.literalIgnoringCase(word) ? () : nil }) != nil {
                return truth
            }
            return nil
        }
    }

    private mutating func literalIgnoringCase(_ text: StaticString) -> Bool {
        for index in 0..<text.utf8CodeUnitCount {
            let byte = unsafe text.utf8Start[index]
            let matches = current == byte || (byte != UInt8(ascii: "_") && current == byte - 32)
            guard matches else {
                refuse()
                return false
            }
            advance(to: position + 1)
        }
        return true
    }

    private mutating func textSearch(_ kind: ValueKind) -> Operation? {
        guard
            let search = firstOf(Self.textSearches)
        else { return nil }
        let language = attempt { parser in
            guard parser.character(UInt8(ascii: "(")), let name = parser.identifier() else {
                return String?.none
            }
            return parser.character(UInt8(ascii: ")")) ? name : nil
        }
        guard delimiter() else { return nil }
        return value(kind).map { .textSearch(search, language: language, $0) }
    }

    private mutating func simple(_ kind: ValueKind) -> Operation? {
        guard
            let name = firstOf(Self.simpleOperators), delimiter()
        else { return nil }
        return value(kind).map { .simple(name, $0) }
    }

    private mutating func quantified(_ kind: ValueKind) -> Operation? {
        guard
            let name = firstOf(Self.quantifiedOperators)
        else { return nil }
        let quantifier = attempt { parser in
            guard parser.character(UInt8(ascii: "(")), let name = parser.quantifier()
            else { return Quantifier?.none }
            return parser.character(UInt8(ascii: ")")) ? name : nil
        }
        guard delimiter() else { return nil }
        return value(kind).map { .quantified(name, quantifier, $0) }
    }

    private static let truths: [(StaticString, Truth)] = [
        ("null", .null), ("not_null", .notNull), ("true", .isTrue), ("false", .isFalse),
        ("unknown", .unknown),
    ]

    private static let textSearches: [(StaticString, TextSearch)] = [
        ("fts", .plain), ("plfts", .simple), ("phfts", .phrase), ("wfts", .web),
    ]

    private static let simpleOperators: [(StaticString, SimpleOperator)] = [
        ("neq", .notEqual), ("cs", .contains), ("cd", .contained), ("ov", .overlaps),
        ("sl", .strictlyLeft), ("sr", .strictlyRight), ("nxr", .notExtendingRight),
        ("nxl", .notExtendingLeft), ("adj", .adjacent),
    ]

    // A longer name that begins with another comes first.
    private static let quantifiedOperators: [(StaticString, QuantifiedOperator)] = [
        ("eq", .equal), ("gte", .greaterOrEqual), ("gt", .greater), ("lte", .lessOrEqual),
        ("lt", .less), ("like", .like), ("ilike", .likeIgnoringCase), ("match", .matches),
        ("imatch", .matchesIgnoringCase),
    ]

    private mutating func quantifier() -> Quantifier? {
        if attempt({ $0.literal("any") ? () : nil }) != nil { return .any }
        return literal("all") ? .all : nil
    }

    mutating func firstOf<Value>(_ words: [(StaticString, Value)]) -> Value? {
        for (word, value) in words where attempt({ $0.literal(word) ? () : nil }) != nil {
            return value
        }
        return nil
    }
}

// Values.
extension Parser {
    private mutating func value(_ kind: ValueKind) -> String? {
        switch kind {
        case .whole:
            defer { advance(to: bytes.count) }
            return text(position, bytes.count)
        case .inLogic:
            if let quoted = attempt({ $0.quotedElement() }) { return quoted }
            if let array = attempt({ $0.arrayLiteral() }) { return array }
            return unquotedElement()
        }
    }

    /// `(a,"b,c",d)`
    private mutating func list() -> [String]? {
        guard lexeme({ $0.character(UInt8(ascii: "(")) ? () : nil }) != nil else { return nil }
        let elements = separated(by: { $0.character(UInt8(ascii: ",")) }) { parser in
            parser.attempt { $0.quotedElement() } ?? parser.unquotedElement()
        }
        guard let elements else { return nil }
        return lexeme { $0.character(UInt8(ascii: ")")) ? elements : nil }
    }

    private mutating func quotedElement() -> String? {
        guard let text = quoted() else { return nil }
        return notFollowed(by: { $0 != "," && $0 != ")" }) ? text : nil
    }

    private mutating func unquotedElement() -> String {
        let start = position
        while scalar(where: { $0 != "," && $0 != ")" }) {}
        return text(start, position)
    }

    /// `{a,b}`: a comma inside does not end it.
    private mutating func arrayLiteral() -> String? {
        let start = position
        guard literal("{") else { return nil }
        while scalar(where: { $0 != "{" && $0 != "}" }) {}
        return literal("}") ? text(start, position) : nil
    }
}
