// SPDX-License-Identifier: Apache-2.0

extension ReadNode {
    /// Finds, for every embedded relation, the way to it from its parent.
    mutating func relate(in catalog: Catalog, schema: String) throws(PlannerFailure) {
        for index in children.indices {
            // At depth 1 the parent can be the result of a write or call, which is called by its
            // alias.
            let origin = depth == 0 ? sourceAlias ?? source.name : source.name
            let child = children[index]
            let relationship = try catalog.relationship(
                from: QualifiedName(schema, origin),
                to: child.name,
                hint: child.hint
            )
            children[index].attach(relationship, parentAlias: sourceAlias)
            try children[index].relate(in: catalog, schema: schema)
        }
    }

    private mutating func attach(_ relationship: Relationship, parentAlias: String?) {
        let newAlias = relationship.target.name + "_" + String(depth)
        source = relationship.target
        internalName = relationship.source.name + "_" + label + "_" + String(depth)
        if spread != nil, !relationship.isToOne { spread = .toMany(extra: [], order: []) }
        self.relationship = relationship
        switch relationship.join {
        case .manyToMany: break  // The junction is in FROM beside the target, under its own name.
        case .computed:
            sourceAlias = newAlias
            functionArgument = parentAlias ?? relationship.source.name
        case .oneToMany, .manyToOne, .oneToOne: sourceAlias = newAlias
        }
        joinConditions = relationship.joinConditions(
            sourceAlias: parentAlias,
            targetAlias: sourceAlias
        )
    }
}

extension Relationship {
    fileprivate func joinConditions(sourceAlias: String?, targetAlias: String?) -> [JoinCondition] {
        let sourceName = sourceAlias.map { QualifiedName("", $0) } ?? source
        func conditions(_ columns: [ColumnPair]) -> [JoinCondition] {
            let targetName = targetAlias.map { QualifiedName("", $0) } ?? target
            return columns.map {
                JoinCondition(
                    left: targetName,
                    leftColumn: $0.target,
                    right: sourceName,
                    rightColumn: $0.source
                )
            }
        }
        switch join {
        case .oneToMany(_, let columns), .manyToOne(_, let columns), .oneToOne(_, let columns, _):
            return conditions(columns)
        case .manyToMany(let junction):
            return junction.conditions(source: sourceName, target: target)
        case .computed: return []
        }
    }
}

extension Junction {
    fileprivate func conditions(source: QualifiedName, target: QualifiedName) -> [JoinCondition] {
        let middle = table
        func conditions(_ columns: [ColumnPair], _ outer: QualifiedName) -> [JoinCondition] {
            columns.map {
                JoinCondition(
                    left: middle,
                    leftColumn: $0.target,
                    right: outer,
                    rightColumn: $0.source
                )
            }
        }
        return conditions(targetColumns, target) + conditions(sourceColumns, source)
    }
}
