// SPDX-License-Identifier: Apache-2.0

/// What a function is given.
package enum CallArguments: Sendable {
    /// By GET or as a form. A name repeats for the elements of a variadic parameter.
    case named([(name: String, value: String)])
    /// An object of arguments, whose keys (or `columns`) are these; or, for a function of one
    /// unnamed parameter, that parameter.
    case json([UInt8], keys: Set<String>)
    /// The one unnamed parameter, as it came.
    case raw([UInt8])

    var keys: Set<String> {
        switch self {
        case .named(let arguments): Set(arguments.map(\.name))
        case .json(_, let keys): keys
        case .raw: []
        }
    }
}

/// A call of one function, chosen among its overloads, and the read that shows what it returned.
///
/// ```
/// let plan = try CallPlan(of: name, .named(query.arguments), query, range: range, in: …)
/// let plan = try CallPlan(of: name, arguments, contentType: .json, query, range: range, in: …)
/// ```
package struct CallPlan: Sendable {
    package let routine: Routine
    /// The relation whose rows the function returns, or the function itself: what converters are
    /// for.
    package let relation: QualifiedName
    package let range: RowRange
    /// Nothing may be written: by GET, or when the function says that it does not.
    package let isReadOnly: Bool
    let root: ReadNode
    /// `db-max-rows`
    let shownMax: Int?
    let arguments: CallArguments
    /// Those that are given, in the order of declaration.
    let parameters: [RoutineParameter]

    /// `contentType` is the body's, for POST; nil for GET and HEAD.
    package init(
        of name: QualifiedName,
        _ arguments: CallArguments,
        contentType: MediaType? = nil,
        _ query: RequestQuery,
        range: RowRange,
        in catalog: Catalog,
        _ settings: PlannerSettings
    ) throws(PlannerFailure) {
        let keys = arguments.keys
        routine = try catalog.routine(name, given: keys, contentType: contentType)
        relation = QualifiedName(routine.name.schema, routine.rowName ?? routine.name.name)
        self.range = range
        shownMax = settings.rowsMax
        isReadOnly = contentType == nil || routine.volatility != .volatile
        root = try ReadNode(
            planning: relation,
            query,
            range: range,
            of: .call,
            in: catalog,
            settings
        )
        self.arguments = arguments
        parameters =
            routine.takesOneUnnamed
            ? routine.parameters : routine.parameters.filter { keys.containsName($0.name) }
    }

    package func output(
        accepting accepted: [MediaType],
        planEnabled: Bool,
        in catalog: Catalog
    ) throws(PlannerFailure) -> Output {
        try catalog.output(
            accepting: accepted,
            for: relation,
            selectsWholeRow: root.selectsWholeRow,
            planEnabled: planEnabled
        )
    }

    package var legacyTargets: [(name: String, alias: String)] { root.legacyTargets }

    /// About what keeping it takes.
    package var bytes: Int { root.bytes }
}

extension Routine {
    var takesOneUnnamed: Bool { parameters.count == 1 && parameters[0].name.isEmpty }
}
