// SPDX-License-Identifier: Apache-2.0

/// A well-formed query string: what it asks for, before anyone knows whether such things exist.
package struct RequestQuery: Sendable {
    /// Something said of the relation at the end of a path of embedded relations; an empty path is
    /// the request's own.
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
    /// The keys of all filters, as written, each once.
    package internal(set) var filterKeys: [String] = []
    package let parameters: [QueryParameter]

    /// Reads a query string, still percent-encoded, without its question mark. In a call by GET,
    /// parameters without an operator are arguments.
    package init(
        parsing query: some Sequence<UInt8>,
        isCall: Bool = false,
        ignoring ignored: [String] = []
    ) throws(PlannerFailure) {
        let given = QueryParameter.split(query)
        let parameters =
            ignored.isEmpty ? given : given.filter { !ignored.contains($0.nameText) }
        self.parameters = parameters
        try refuseNULBytes()
        let roles = parameters.map(\.role)
        func all(_ role: QueryParameter.Role) -> some Sequence<QueryParameter> {
            parameters.indices.lazy.filter { roles[$0] == role }.map { parameters[$0] }
        }
        /// The first counts, even when it has no value.
        func first(_ role: QueryParameter.Role) -> QueryParameter? {
            roles.firstIndex(of: role).map { parameters[$0] }.flatMap { $0.value == nil ? nil : $0 }
        }
        // Of several mistakes the first in this order is reported.
        for parameter in all(.order) { try readOrder(parameter) }
        for parameter in all(.logic) { try readLogic(parameter) }
        columns = try first(.columns).map(Self.columns)
        if let parameter = first(.select) { select = try Self.select(parameter) }
        for parameter in all(.filter) { try readFilter(parameter, isCall: isCall) }
        conflictColumns = try first(.onConflict).map(Self.columns)
        columns = columns.map { Set($0).sorted() }
        if roles.contains(.range) { try readRanges(Array(all(.range))) }
    }

    private func refuseNULBytes() throws(PlannerFailure) {
        for parameter in parameters
        where parameter.name.contains(0) || parameter.value?.contains(0) == true {
            throw .nulByte
        }
    }

    /// The canonical form of the whole query, for `Content-Location`.
    package var canonicalText: String { QueryParameter.canonical(parameters) }
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
        _ parameter: QueryParameter
    ) throws(PlannerFailure) -> [String] {
        try Parser.parse(
            parameter.value ?? [],
            as: "failed to parse \(parameter.nameText) parameter (\(parameter.valueText))"
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

    fileprivate mutating func readRanges(
        _ parameters: [QueryParameter]
    ) throws(PlannerFailure) {
        for asked in AskedRange.collected(parameters) {
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

    /// An argument is whatever does not begin like a condition; one that begins so and goes wrong
    /// after its first sign is still an error.
    private static func hasOperator(_ value: [UInt8]) -> Bool {
        var parser = Parser(value)
        return parser.condition(.whole) != nil || parser.position > 0
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
