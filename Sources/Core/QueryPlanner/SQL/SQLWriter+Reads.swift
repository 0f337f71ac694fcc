// SPDX-License-Identifier: Apache-2.0

extension SQLWriter {
    /// The rows of a node, with everything embedded in them.
    mutating func rows(of node: ReadNode) {
        raw("SELECT ")
        selections(of: node)
        source(of: node)
        joins(of: node)
        conditions(of: node)
        grouping(of: node)
        if !node.order.isEmpty {
            raw(" ")
            order(node.order, of: node.reference)
        }
        if node.range != .all {
            raw(" ")
            range(node.range)
        }
    }

    private mutating func selections(of node: ReadNode) {
        var count = 0
        func separate(_ writer: inout SQLWriter) {
            if count > 0 { writer.raw(", ") }
            count += 1
        }
        // Columns that nobody asked for are left out where the rows become JSON.
        let isEmpty = node.select.isEmpty && node.children.isEmpty
        for selection in isEmpty ? [PlannedSelection(field: .star)] : node.select {
            separate(&self)
            self.selection(selection, of: node.reference)
        }
        if case .toMany(let extra, _) = node.spread {
            for extra in extra {
                separate(&self)
                let relation = extra.relation.map { QualifiedName("", $0) } ?? node.reference
                selection(extra.selection, of: relation)
            }
        }
        for embed in node.embeds {
            switch embed {
            case .json(_, _, _, isEmpty: true): break
            case .json(let name, let internalName, let isObject, _):
                separate(&self)
                json(name, internalName, isObject: isObject)
            case .spread(let selections, let internalName):
                for selection in selections {
                    separate(&self)
                    spreadSelection(selection, of: internalName)
                }
            }
        }
    }

    private mutating func json(_ name: String, _ internalName: String, isObject: Bool) {
        if isObject {
            raw("row_to_json(")
            identifier(internalName)
            raw(".*)::jsonb")
        } else {
            raw("COALESCE( ")
            identifier(internalName)
            raw(".")
            identifier(internalName)
            raw(", '[]')")
        }
        alias(name)
    }

    mutating func source(of node: ReadNode) {
        raw(" FROM ")
        if let relationship = node.relationship, let function = relationship.function {
            // The cast chooses among overloads where the argument is the result of a write or call.
            name(function)
            raw("(")
            identifier(node.functionArgument)
            raw("::")
            name(relationship.source)
            raw(")")
        } else {
            name(node.source)
        }
        alias(node.sourceAlias)
        if case .manyToMany(let junction) = node.relationship?.join {
            raw(", ")
            name(junction.table)
        }
    }

    private mutating func conditions(of node: ReadNode) {
        guard !node.filters.isEmpty || !node.joinConditions.isEmpty else { return }
        raw(" WHERE ")
        list(node.filters, separator: " AND ") { $0.condition($1, of: node.reference) }
        if !node.filters.isEmpty, !node.joinConditions.isEmpty { raw(" AND ") }
        list(node.joinConditions, separator: " AND ") { $0.join($1) }
    }

    mutating func join(_ condition: JoinCondition) {
        column(condition.leftColumn, of: condition.left)
        raw(" = ")
        column(condition.rightColumn, of: condition.right)
    }

    private mutating func grouping(of node: ReadNode) {
        let aggregates =
            node.select.contains { $0.aggregate != nil }
            || node.embeds.contains(where: \.hasAggregate)
        guard aggregates else { return }
        var isFirst = true
        func separate(_ writer: inout SQLWriter) {
            writer.raw(isFirst ? " GROUP BY " : ", ")
            isFirst = false
        }
        for selection in node.select where selection.aggregate == nil {
            separate(&self)
            if let alias = selection.alias {
                identifier(alias)
            } else {
                field(selection.field, of: node.reference)
            }
        }
        for embed in node.embeds {
            switch embed {
            case .json(let name, _, _, _):
                separate(&self)
                identifier(name)
            case .spread(let selections, let internalName):
                for selection in selections where selection.aggregate == nil {
                    separate(&self)
                    identifier(internalName)
                    raw(".")
                    identifier(selection.alias ?? selection.name)
                }
            }
        }
    }
}

extension ReadNode {
    /// How its columns are qualified.
    var reference: QualifiedName {
        if let alias = sourceAlias { return QualifiedName("", alias) }
        return source
    }
}

// Embedded relations are lateral joins, each making its own JSON.
extension SQLWriter {
    private mutating func joins(of node: ReadNode) {
        for embed in node.embeds {
            let child = node.children.first { $0.internalName == embed.internalName }
            if let child { join(embed, of: child) }
        }
    }

    private mutating func join(_ embed: EmbedSelection, of child: ReadNode) {
        let isInner = child.join == .inner
        raw(isInner ? " INNER JOIN LATERAL ( " : " LEFT JOIN LATERAL ( ")
        var joinsRow = false
        switch embed {
        case .json(_, _, isObject: true, _):
            joinsRow = true
            rows(of: child)
        case .json: aggregatedRows(of: child, also: [], order: [])
        case .spread(let selections, _):
            if case .toMany(_, let order) = child.spread {
                aggregatedRows(of: child, also: selections, order: order)
            } else {
                joinsRow = true
                rows(of: child)
            }
        }
        raw(" ) AS ")
        identifier(child.internalName)
        raw(" ON ")
        if isInner, !joinsRow {
            identifier(child.internalName)
            raw(" IS NOT NULL")
        } else {
            raw("TRUE")
        }
    }

    private mutating func aggregatedRows(
        of child: ReadNode,
        also spread: [SpreadSelection],
        order terms: [PlannedOrder]
    ) {
        let name = child.internalName
        raw("SELECT json_agg(")
        identifier(name)
        raw(")::jsonb AS ")
        identifier(name)
        for selection in spread {
            raw(", COALESCE(json_agg(")
            column(selection.name, of: QualifiedName("", name))
            raw(" ")
            order(terms, of: QualifiedName("", name))
            raw("),'[]')::jsonb AS ")
            identifier(selection.alias ?? selection.name)
        }
        raw(" FROM (")
        rows(of: child)
        raw(" ) AS ")
        identifier(name)
    }
}

extension SQLWriter {
    /// One row for each row of the node, whatever is shown of it. Inner joins become EXISTS: a join
    /// would count a row as often as it finds a partner.
    mutating func countedRows(of node: ReadNode) {
        raw("SELECT 1")
        source(of: node)
        var isFirst = true
        func separate(_ writer: inout SQLWriter) {
            writer.raw(isFirst ? " WHERE " : " AND ")
            isFirst = false
        }
        for filter in node.filters {
            separate(&self)
            condition(filter, of: node.reference) { writer, isNegated, name in
                guard let child = node.children.first(where: { $0.internalName == name }) else {
                    return
                }
                writer.raw(isNegated ? "EXISTS (" : "NOT EXISTS (")
                writer.countedRows(of: child)
                writer.raw(")")
            }
        }
        for condition in node.joinConditions {
            separate(&self)
            join(condition)
        }
        for child in node.children where child.join == .inner {
            separate(&self)
            raw("EXISTS (")
            countedRows(of: child)
            raw(")")
        }
    }
}
