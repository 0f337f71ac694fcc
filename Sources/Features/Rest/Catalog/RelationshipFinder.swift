// SPDX-License-Identifier: Apache-2.0
import QueryPlanner

/// Derives the ways from one relation to another: each foreign key, seen from the tables and from
/// the views that show its columns; then many-to-many through junctions; then each way back.
struct RelationshipFinder {
    let relations: [Int: CatalogLoader.Relation]
    let keys: CatalogKeys
    let views: ViewKeys
    let primaryKeys: [Int: [String]]
    let columnName: (Int, Int) -> String?

    /// One end of a foreign key: a table or a view of it, and the columns there.
    private struct End {
        let identifier: Int
        let relation: CatalogLoader.Relation
        let columns: [String]
    }

    func all() -> [Relationship] {
        var forward: [(source: Int, relationship: Relationship)] = []
        for index in keys.foreign.indices where !keys.foreign[index].isInherited {
            let key = keys.foreign[index]
            let sources = ends(key.relation, key.columns, shownBy: views.referring[index] ?? [])
            let targets = ends(key.target, key.targetColumns, shownBy: views.referred[index] ?? [])
            for source in sources {
                for target in targets {
                    let found = relationship(key, from: source, to: target)
                    forward.append((source.identifier, found))
                }
            }
        }
        return forward.map(\.relationship) + manyToMany(forward) + throughHiddenJunctions()
            + forward.compactMap { reversed($0.relationship) }
    }

    /// Only what is exposed has a name here; the rest may still lie under a view.
    private func ends(_ table: Int, _ columns: [Int], shownBy views: [ViewKeys.Showing]) -> [End] {
        var ends: [End] = []
        if let relation = relations[table] {
            let names = columns.compactMap { columnName(table, $0) }
            ends.append(End(identifier: table, relation: relation, columns: names))
        }
        for showing in views {
            guard let relation = relations[showing.view] else { continue }
            ends += showing.choices.map {
                End(identifier: showing.view, relation: relation, columns: $0)
            }
        }
        return ends
    }

    private func relationship(
        _ key: CatalogKeys.ForeignKey,
        from source: End,
        to target: End
    ) -> Relationship {
        let columns = zip(source.columns, target.columns).map { ColumnPair($0, $1) }
        return Relationship(
            source: source.relation.name,
            target: target.relation.name,
            join: key.isUnique
                ? .oneToOne(constraint: key.name, columns: columns, sourceIsParent: false)
                : .manyToOne(constraint: key.name, columns: columns),
            isSelf: source.identifier == target.identifier,
            sourceIsView: source.relation.isView,
            targetIsView: target.relation.isView
        )
    }

    /// A table is a junction when it refers to two others by columns of its primary key.
    private func manyToMany(
        _ forward: [(source: Int, relationship: Relationship)]
    ) -> [Relationship] {
        var found: [Relationship] = []
        for (junction, ways) in Dictionary(grouping: forward, by: \.source) {
            let key = Set(primaryKeys[junction] ?? [])
            let ways = ways.compactMap { ForeignWay($0.relationship, within: key) }
            for first in ways {
                for second in ways where first.constraint != second.constraint {
                    found.append(first.through(to: second))
                }
            }
        }
        return found
    }

    /// Ways that lead through a table nobody may see. They cannot be taken, but they are the reason
    /// why no other name is suggested: their junctions have no name.
    private func throughHiddenJunctions() -> [Relationship] {
        let primary = Dictionary(
            keys.primary.map { ($0.relation, Set($0.columns)) },
            uniquingKeysWith: { first, _ in first }
        )
        let hidden = keys.foreign.filter { key in
            relations[key.relation] == nil && !key.isInherited && !key.isUnique
                && primary[key.relation]?.isSuperset(of: key.columns) == true
        }
        return Dictionary(grouping: hidden, by: \.relation).values.flatMap { ways in
            ways.flatMap { first in
                ways.filter { $0.name != first.name }.compactMap { hiddenWay(first, $0) }
            }
        }
    }

    private func hiddenWay(
        _ first: CatalogKeys.ForeignKey,
        _ second: CatalogKeys.ForeignKey
    ) -> Relationship? {
        guard let source = relations[first.target], let target = relations[second.target] else {
            return nil
        }
        let junction = Junction(
            table: QualifiedName("", ""),
            sourceConstraint: first.name,
            targetConstraint: second.name,
            sourceColumns: [],
            targetColumns: []
        )
        return Relationship(
            source: source.name,
            target: target.name,
            join: .manyToMany(junction)
        )
    }

    private func reversed(_ relationship: Relationship) -> Relationship? {
        let join: Relationship.Join
        switch relationship.join {
        case .manyToOne(let constraint, let columns):
            join = .oneToMany(constraint: constraint, columns: columns.map(\.swapped))
        case .oneToOne(let constraint, let columns, let sourceIsParent):
            join = .oneToOne(
                constraint: constraint,
                columns: columns.map(\.swapped),
                sourceIsParent: !sourceIsParent
            )
        case .oneToMany, .manyToMany, .computed: return nil
        }
        return Relationship(
            source: relationship.target,
            target: relationship.source,
            join: join,
            isSelf: relationship.isSelf,
            sourceIsView: relationship.targetIsView,
            targetIsView: relationship.sourceIsView
        )
    }
}

/// A foreign key whose columns are part of the primary key of the table it is on.
private struct ForeignWay {
    let constraint: String
    private let columns: [ColumnPair]
    private let relationship: Relationship

    init?(_ relationship: Relationship, within key: Set<String>) {
        guard case .manyToOne(let constraint, let columns) = relationship.join,
            columns.allSatisfy({ key.contains($0.source) })
        else { return nil }
        self.constraint = constraint
        self.columns = columns
        self.relationship = relationship
    }

    func through(to other: ForeignWay) -> Relationship {
        let junction = Junction(
            table: relationship.source,
            sourceConstraint: constraint,
            targetConstraint: other.constraint,
            sourceColumns: columns.map(\.swapped),
            targetColumns: other.columns.map(\.swapped)
        )
        return Relationship(
            source: relationship.target,
            target: other.relationship.target,
            join: .manyToMany(junction),
            sourceIsView: relationship.targetIsView,
            targetIsView: other.relationship.targetIsView
        )
    }
}

extension ColumnPair {
    fileprivate var swapped: ColumnPair { ColumnPair(target, source) }
}
