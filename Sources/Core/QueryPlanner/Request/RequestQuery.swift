// SPDX-License-Identifier: Apache-2.0

/// A well-formed query string: what it asks for, before anyone knows whether such things exist.
package struct RequestQuery: Sendable {
    /// Something said of the relation at the end of a path of embedded relations; an empty path is the
    /// request's own.
    package struct Located<Value: Sendable>: Sendable {
        package let path: [String]
        package let value: Value
    }

    package internal(set) var select: [SelectItem] = [.field(SelectedField(field: Field("*")))]
    package internal(set) var filters: [Located<Filter>] = []
    package internal(set) var logic: [Located<LogicTree>] = []
    package internal(set) var orders: [Located<[OrderTerm]>] = []
    /// `limit` and `offset` of the embedded relations.
    package internal(set) var embeddedRanges: [Located<RowRange>] = []
    /// `limit` and `offset` of the relation itself, as they were asked for.
    package internal(set) var range = RowRange.all
    /// `columns`, sorted, each once.
    package internal(set) var columns: [String]?
    package internal(set) var conflictColumns: [String]?
    /// The arguments of a function called by GET, in order; names may repeat.
    package internal(set) var arguments: [(name: String, value: String)] = []
    /// The keys of all filters, as written, sorted, each once.
    package internal(set) var filterKeys: [String] = []
    package let parameters: [QueryParameter]

    /// Reads a query string, still percent-encoded, without its question mark. In a call by GET,
    /// parameters without an operator are arguments.
    package init(
        parsing query: some Collection<UInt8>,
        isCall: Bool = false,
        ignoring ignored: [String] = []
    ) throws(PlannerFailure) {
        let ignored = ignored.map { Array($0.utf8) }
        parameters = QueryParameter.split(query).filter { !ignored.contains($0.name) }
        try refuseNULBytes()
        let sorted = SortedParameters(parameters)
        for parameter in sorted.orders { try readOrder(parameter) }
        for parameter in sorted.logic { try readLogic(parameter) }
        if let parameter = sorted.columns { columns = try Self.columns(parameter, "columns") }
        if let parameter = sorted.select { select = try Self.select(parameter) }
        for parameter in sorted.filters { try readFilter(parameter, isCall: isCall) }
        if let parameter = sorted.onConflict {
            conflictColumns = try Self.columns(parameter, "on_conflict")
        }
        columns = columns.map { Set($0).sorted() }
        try readRanges(sorted)
    }

    /// The canonical form of the whole query, for `Content-Location`.
    package var canonicalText: String { QueryParameter.canonical(parameters) }

    private func refuseNULBytes() throws(PlannerFailure) {
        for parameter in parameters
        where parameter.name.contains(0) || parameter.value?.contains(0) == true {
            throw .nulByte
        }
    }
}

extension RequestQuery {
    fileprivate mutating func readOrder(_ parameter: QueryParameter) throws(PlannerFailure) {
        let path = try Self.path(parameter)
        let terms = try Parser.parse(
            parameter.value ?? [],
            as: "failed to parse order (\(parameter.valueText))"
        ) { $0.orderTerms() }
        orders.append(Located(path: path.path, value: terms))
    }

    fileprivate mutating func readLogic(_ parameter: QueryParameter) throws(PlannerFailure) {
        let path = try Parser.parse(
            parameter.name,
            as: "failed to parse logic path (\(parameter.nameText))"
        ) { $0.logicPath() }
        // The connective is a part of the key; put before the value it makes a whole condition.
        let tree = try Parser.parse(
            Array(path.connective.utf8) + (parameter.value ?? []),
            as: "failed to parse logic tree (\(parameter.valueText))"
        ) { $0.logicTree() }
        logic.append(Located(path: path.path, value: tree))
    }

    fileprivate static func columns(
        _ parameter: QueryParameter,
        _ name: String
    ) throws(PlannerFailure) -> [String] {
        try Parser.parse(
            parameter.value ?? [],
            as: "failed to parse \(name) parameter (\(parameter.valueText))"
        ) { $0.columnNames() }
    }

    fileprivate static func select(
        _ parameter: QueryParameter
    ) throws(PlannerFailure) -> [SelectItem] {
        try Parser.parse(
            parameter.value ?? [],
            as: "failed to parse select parameter (\(parameter.valueText))"
        ) { $0.selectItems() }
    }

    fileprivate mutating func readFilter(
        _ parameter: QueryParameter,
        isCall: Bool
    ) throws(PlannerFailure) {
        let (path, field) = try Self.path(parameter)
        let value = parameter.value ?? []
        if isCall, !Self.hasOperator(value) {
            arguments.append((field.name, parameter.valueText))
        } else {
            let condition = try Parser.parse(
                value,
                as: "failed to parse filter (\(parameter.valueText))"
            ) { $0.condition(.whole) }
            let filter = Filter(
                field: field,
                isNegated: condition.isNegated,
                operation: condition.operation
            )
            filters.append(Located(path: path, value: filter))
        }
        let key = parameter.nameText
        if !filterKeys.contains(key) { filterKeys.append(key) }
    }

    fileprivate mutating func readRanges(_ sorted: SortedParameters) throws(PlannerFailure) {
        guard !sorted.ranges.isEmpty else { return }
        for asked in AskedRange.collected(sorted.ranges) {
            if asked.key.isEmpty {
                range = asked.range
            } else {
                let path = try Self.path(
                    QueryParameter(name: asked.key + Array(".limit".utf8), value: nil)
                )
                embeddedRanges.append(Located(path: path.path, value: asked.range))
            }
        }
    }

    private static func path(
        _ parameter: QueryParameter
    ) throws(PlannerFailure) -> (path: [String], field: Field) {
        try Parser.parse(
            parameter.name,
            as: "failed to parse tree path (\(parameter.nameText))"
        ) { $0.treePath() }
    }

    /// An argument is whatever does not begin like a condition; one that begins so and goes wrong after
    /// its first sign is still an error.
    private static func hasOperator(_ value: [UInt8]) -> Bool {
        var parser = Parser(value)
        return parser.condition(.whole) != nil || parser.position > 0
    }
}

/// The parameters by what they mean.
private struct SortedParameters {
    var select: QueryParameter?
    var columns: QueryParameter?
    var onConflict: QueryParameter?
    var orders: [QueryParameter] = []
    var logic: [QueryParameter] = []
    var ranges: [QueryParameter] = []
    var filters: [QueryParameter] = []
    private var seen: Set<String> = []

    init(_ parameters: [QueryParameter]) {
        for parameter in parameters { add(parameter) }
    }

    // The first `select` counts, even when it has no value.
    private mutating func add(_ parameter: QueryParameter) {
        let hasValue = parameter.value != nil
        switch true {
        case Self.is(parameter.name[...], "select"):
            if seen.insert("select").inserted, hasValue { select = parameter }
        case Self.is(parameter.name[...], "columns"):
            if seen.insert("columns").inserted, hasValue { columns = parameter }
        case Self.is(parameter.name[...], "on_conflict"):
            if seen.insert("on_conflict").inserted, hasValue { onConflict = parameter }
        case !hasValue: break
        case Self.is(parameter.lastWord, "order"): orders.append(parameter)
        case Self.is(parameter.lastWord, "and"), Self.is(parameter.lastWord, "or"):
            logic.append(parameter)
        case Self.is(parameter.lastWord, "limit"), Self.is(parameter.lastWord, "offset"):
            ranges.append(parameter)
        default: filters.append(parameter)
        }
    }

    private static func `is`(_ bytes: ArraySlice<UInt8>, _ word: String) -> Bool {
        bytes.elementsEqual(word.utf8)
    }
}

/// `limit` and `offset` of one relation put together.
private struct AskedRange {
    let key: [UInt8]
    private var limit: Int?
    private var offset: Int?
    private var hasLimit = false
    private var hasOffset = false

    private init(key: [UInt8]) { self.key = key }

    var range: RowRange {
        // A limit that is no number, beside an offset, leaves nothing.
        RowRange(offset: offset ?? 0, limit: hasLimit && hasOffset ? limit ?? 0 : limit)
    }

    static func collected(_ parameters: [QueryParameter]) -> [AskedRange] {
        var result: [AskedRange] = []
        for parameter in parameters {
            let key = Array(parameter.name.dropLast(parameter.lastWord.count + 1))
            if !result.contains(where: { $0.key == key }) { result.append(AskedRange(key: key)) }
            guard let index = result.firstIndex(where: { $0.key == key }) else { continue }
            result[index].set(parameter)
        }
        return result
    }

    private mutating func set(_ parameter: QueryParameter) {
        let number = RowRange.number(parameter.value ?? [])
        if parameter.lastWord.elementsEqual("limit".utf8) {
            (limit, hasLimit) = (number, true)
        } else {
            (offset, hasOffset) = (number, true)
        }
    }
}
