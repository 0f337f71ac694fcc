// SPDX-License-Identifier: Apache-2.0

extension ReadNode {
    /// PostgreSQL's MaxTupleAttributeNumber. It would refuse more itself, but each level above
    /// repeats what a spread selects, and a short request would become a statement without measure.
    fileprivate static let entriesMax = 1_664
    /// Of all levels together, with what they repeat: a few megabytes of SQL.
    static let entriesMaxInAll = 10 * entriesMax

    /// Replaces `*` by the columns where each of them must be known: for representations, for GROUP
    /// BY, for the arrays of a spread.
    mutating func expandStars(
        relation: QualifiedName,
        inAggregate: Bool,
        in catalog: Catalog,
        _ entriesLeft: inout Int
    ) throws(PlannerFailure) {
        let needsColumns =
            inAggregate || spread?.isToMany == true || select.contains { $0.aggregate != nil }
        let isSpread = spread != nil
        let hasStar = select.contains {
            $0.field.name == "*" && ($0.aggregate == nil || (isSpread && $0.aggregate == .count))
        }
        if hasStar {
            // The rows of a write or call are those of the relation itself.
            let resolver = FieldResolver(catalog, depth == 0 ? relation : source)
            if needsColumns || resolver.hasOutputRepresentation {
                var expanded: [PlannedSelection] = []
                for selection in select {
                    expanded += selection.expanded(isSpread: isSpread, resolver)
                    guard expanded.count <= Self.entriesMax else { throw .tooManyEntries }
                }
                select = expanded
            }
        }
        try entriesLeft.take(select.count)
        for index in children.indices {
            try children[index].expandStars(
                relation: relation,
                inAggregate: needsColumns,
                in: catalog,
                &entriesLeft
            )
        }
    }

    /// What a JSON path or a representation finds is called by its key or column, not by the
    /// expression.
    mutating func addAliases() {
        for index in select.indices where select[index].alias == nil {
            let selection = select[index]
            if let aggregate = selection.aggregate {
                // The parent of a spread must know how to call it.
                if spread != nil { select[index].alias = aggregate.rawValue }
            } else if !selection.field.path.isEmpty {
                select[index].alias = selection.field.lastKey
            } else if selection.field.transform != nil {
                select[index].alias = selection.field.name
            }
        }
    }
}

extension Int {
    fileprivate mutating func take(_ entries: Int) throws(PlannerFailure) {
        guard self >= entries else { throw .tooManyEntriesInAll }
        self -= entries
    }
}

extension EmbedSelection {
    fileprivate var entryCount: Int {
        switch self {
        case .json(_, _, _, let isEmpty): isEmpty ? 0 : 1
        case .spread(let selections, _): selections.count
        }
    }
}

extension PlannedSelection {
    fileprivate func expanded(isSpread: Bool, _ resolver: FieldResolver) -> [PlannedSelection] {
        guard field.name == "*", field.path.isEmpty else { return [self] }
        if aggregate == nil {
            return (resolver.table?.columns ?? []).map { column in
                var selection = self
                selection.field = resolver.output(PlannedField(column))
                return selection
            }
        }
        guard isSpread, aggregate == .count else { return [self] }
        var selection = self
        selection.field.isWholeRow = true
        return [selection]
    }
}

extension PlannedField {
    /// The last key of the path. `data->1` has none and is called `data`.
    fileprivate var lastKey: String {
        for step in path.reversed() {
            if case .key(let key) = step.operand { return key }
        }
        return name
    }
}

extension ReadNode {
    /// Makes `order=relation(column)` speak of the joined result. Only one row can be ordered by.
    mutating func resolveRelatedOrders() throws(PlannerFailure) {
        for index in order.indices {
            guard let relation = order[index].relation else { continue }
            guard let child = child(labelled: relation) else { throw .notEmbedded(relation) }
            guard child.relationship?.isToOne == true else {
                throw .relatedOrderNotToOne(source.name, child.label)
            }
            order[index].relation = child.internalName
        }
        for index in children.indices { try children[index].resolveRelatedOrders() }
    }

    /// `relation=is.null` asks for rows without an embedded one, unless it is a column's name.
    mutating func findEmbedFilters() {
        guard !children.isEmpty else { return }
        filters = filters.map(withEmbedFilters)
    }

    private func withEmbedFilters(_ logic: PlannedLogic) -> PlannedLogic {
        switch logic {
        case .group(let isNegated, let connective, let members):
            return .group(isNegated: isNegated, connective, members.map(withEmbedFilters))
        case .filter(let filter):
            guard filter.field.path.isEmpty, filter.operation == .isValue(.null),
                let child = child(labelled: filter.field.name)
            else { return logic }
            return .embedIsNull(isNegated: filter.isNegated, name: child.internalName)
        case .embedIsNull: return logic
        }
    }

    /// Says what each node selects of the nodes below it.
    mutating func addEmbeds(_ entriesLeft: inout Int) throws(PlannerFailure) {
        var count = select.count
        for index in children.indices {
            try children[index].addEmbeds(&entriesLeft)
            guard let embed = children[index].selectionForParent else { continue }
            count += embed.entryCount
            guard count <= Self.entriesMax else { throw .tooManyEntries }
            try entriesLeft.take(embed.entryCount)
            embeds.append(embed)
        }
    }

    private var selectionForParent: EmbedSelection? {
        guard let relationship else { return nil }
        guard spread == nil else {
            return .spread(spreadSelections, internalName: internalName)
        }
        return .json(
            name: label,
            internalName: internalName,
            isObject: relationship.isToOne,
            isEmpty: selectsNothing
        )
    }

    /// `relation()` joins and filters, and shows nothing.
    private var selectsNothing: Bool {
        select.isEmpty && children.allSatisfy(\.selectsNothing)
    }

    private var spreadSelections: [SpreadSelection] {
        select.map { SpreadSelection(name: $0.alias ?? $0.field.name) }
            + embeds.flatMap { embed -> [SpreadSelection] in
                switch embed {
                case .json(let name, _, _, _): [SpreadSelection(name: name)]
                case .spread(let selections, _): selections
                }
            }
    }
}
