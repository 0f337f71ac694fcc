// SPDX-License-Identifier: Apache-2.0

/// A column of the source and the column of the target that it equals.
package struct ColumnPair: Hashable, Sendable {
    package let source: String
    package let target: String

    package init(_ source: String, _ target: String) {
        self.source = source
        self.target = target
    }
}

/// The table in the middle of a many-to-many relationship. In both lists `source` is a column of
/// the outer table and `target` one of the junction.
package struct Junction: Hashable, Sendable {
    package let table: QualifiedName
    package let sourceConstraint: String
    package let targetConstraint: String
    package let sourceColumns: [ColumnPair]
    package let targetColumns: [ColumnPair]

    package init(
        table: QualifiedName,
        sourceConstraint: String,
        targetConstraint: String,
        sourceColumns: [ColumnPair],
        targetColumns: [ColumnPair]
    ) {
        self.table = table
        self.sourceConstraint = sourceConstraint
        self.targetConstraint = targetConstraint
        self.sourceColumns = sourceColumns
        self.targetColumns = targetColumns
    }
}

/// A way from a row of `source` to rows of `target`, seen from the source. Each foreign key gives
/// two of them, one in each direction.
package struct Relationship: Hashable, Sendable {
    package enum Join: Hashable, Sendable {
        /// The foreign key is on the target.
        case oneToMany(constraint: String, columns: [ColumnPair])
        /// The foreign key is on the source.
        case manyToOne(constraint: String, columns: [ColumnPair])
        /// The foreign key is unique; it is on the target when the source is the parent.
        case oneToOne(constraint: String, columns: [ColumnPair], sourceIsParent: Bool)
        case manyToMany(Junction)
        /// A function from a row of the source to row(s) of the target.
        case computed(function: QualifiedName, isToOne: Bool)
    }

    package let source: QualifiedName
    package let target: QualifiedName
    package let join: Join
    package let isSelf: Bool
    package let sourceIsView: Bool
    package let targetIsView: Bool

    package init(
        source: QualifiedName,
        target: QualifiedName,
        join: Join,
        isSelf: Bool? = nil,
        sourceIsView: Bool = false,
        targetIsView: Bool = false
    ) {
        self.source = source
        self.target = target
        self.join = join
        self.isSelf = isSelf ?? (source == target)
        self.sourceIsView = sourceIsView
        self.targetIsView = targetIsView
    }

    package var isToOne: Bool {
        switch join {
        case .manyToOne, .oneToOne: true
        case .computed(_, let isToOne): isToOne
        case .oneToMany, .manyToMany: false
        }
    }

    package var function: QualifiedName? {
        if case .computed(let function, _) = join { return function }
        return nil
    }
}

extension Relationship {
    /// The order in which an ambiguity lists its candidates. It is part of the error's text, so it
    /// must not depend on how the catalog was read.
    static func isListed(_ left: Relationship, before right: Relationship) -> Bool {
        if left.isComputed != right.isComputed { return !left.isComputed }
        if left.target != right.target { return left.target < right.target }
        if left.isSelf != right.isSelf { return !left.isSelf }
        return left.listingKey.lexicographicallyPrecedes(right.listingKey)
    }

    private var isComputed: Bool { function != nil }

    private var listingKey: [String] {
        func flattened(_ columns: [ColumnPair]) -> [String] {
            columns.flatMap { [$0.source, $0.target] }
        }
        switch join {
        case .oneToMany(let constraint, let columns): return ["1", constraint] + flattened(columns)
        case .manyToOne(let constraint, let columns): return ["2", constraint] + flattened(columns)
        case .oneToOne(let constraint, let columns, let sourceIsParent):
            return ["3", constraint] + flattened(columns) + [sourceIsParent ? "1" : "0"]
        case .manyToMany(let junction):
            return [
                "4", junction.table.schema, junction.table.name,
                junction.sourceConstraint, junction.targetConstraint,
            ]
        case .computed(let function, _): return ["5", function.schema, function.name]
        }
    }
}
