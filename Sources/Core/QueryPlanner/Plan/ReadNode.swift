// SPDX-License-Identifier: Apache-2.0

/// One relation of a read, with those embedded in it.
struct ReadNode: Hashable, Sendable {
    var select: [PlannedSelection] = []
    var source: QualifiedName
    /// How the source is called in the statement, if not by its name.
    var sourceAlias: String?
    var filters: [PlannedLogic] = []
    var order: [PlannedOrder] = []
    var range = RowRange.all
    /// The name in the request.
    var name: String
    var alias: String?
    var hint: String?
    var join: SelectedRelation.Join?
    var spread: Spread?
    var relationship: Relationship?
    /// What a computed relationship's function is given: the alias of the parent.
    var functionArgument = ""
    var joinConditions: [JoinCondition] = []
    /// The name of the joined result inside the statement.
    var internalName = ""
    var depth: Int
    /// It has an alias, and was filtered, ordered or limited by its name all the same.
    var isLegacyTarget = false
    var embeds: [EmbedSelection] = []
    var children: [ReadNode] = []

    /// How its parent's other clauses and its own JSON call it.
    var label: String { alias ?? name }
}

struct JoinCondition: Hashable, Sendable {
    var left: QualifiedName
    var leftColumn: String
    var right: QualifiedName
    var rightColumn: String
}

enum Spread: Hashable, Sendable {
    case toOne
    /// Columns are aggregated into arrays, so what they are ordered by must be selected with them.
    case toMany(extra: [ExtraSelection], order: [PlannedOrder])

    struct ExtraSelection: Hashable, Sendable {
        /// The internal name of an embedded relation.
        var relation: String?
        var selection: PlannedSelection
    }

    var isToMany: Bool { self != .toOne }
}

/// What a node selects of one embedded relation.
enum EmbedSelection: Hashable, Sendable {
    case json(name: String, internalName: String, isObject: Bool, isEmpty: Bool)
    case spread([SpreadSelection], internalName: String)

    var internalName: String {
        switch self {
        case .json(_, let internalName, _, _), .spread(_, let internalName): internalName
        }
    }
}

struct SpreadSelection: Hashable, Sendable {
    var name: String
    var aggregate: Aggregate?
    var aggregateCast: String?
    var alias: String?
}

extension ReadNode {
    /// Every node, parents first.
    func visit(_ body: (ReadNode) -> Void) {
        body(self)
        for child in children { child.visit(body) }
    }

    mutating func updateAll(_ body: (inout ReadNode) -> Void) {
        body(&self)
        for index in children.indices { children[index].updateAll(body) }
    }

    /// About what keeping it takes.
    var bytes: Int {
        var bytes = 0
        visit { node in
            bytes += MemoryLayout<ReadNode>.stride
            bytes += node.select.count * MemoryLayout<PlannedSelection>.stride
            for case .spread(let selections, _) in node.embeds {
                bytes += selections.count * MemoryLayout<SpreadSelection>.stride
            }
        }
        return bytes
    }

    /// Its rows are made of others.
    var aggregates: Bool {
        select.contains { $0.aggregate != nil } || embeds.contains(where: \.hasAggregate)
    }

    func child(labelled label: String) -> ReadNode? { children.first { $0.label == label } }
}

extension ReadNode {
    /// The tree as the request describes it, before anyone looked for the relations.
    init(
        _ name: QualifiedName,
        selecting items: [SelectItem],
        in catalog: Catalog
    ) {
        self.init(source: name, name: name.name, depth: 0)
        add(items, in: catalog)
    }

    private mutating func add(_ items: [SelectItem], in catalog: Catalog) {
        let resolver = FieldResolver(catalog, source)
        select.reserveCapacity(items.count)
        for item in items {
            switch item {
            case .field(let field): select.append(PlannedSelection(field, resolver))
            case .relation(let relation):
                var child = ReadNode(
                    source: QualifiedName(source.schema, relation.name),
                    name: relation.name,
                    depth: depth + 1
                )
                child.alias = relation.alias
                child.hint = relation.hint
                child.join = relation.join
                child.spread = relation.isSpread ? .toOne : nil
                child.add(relation.items, in: catalog)
                children.append(child)
            }
        }
    }
}

extension PlannedSelection {
    fileprivate init(_ field: SelectedField, _ resolver: FieldResolver) {
        self.init(
            field: resolver.output(field.field),
            aggregate: field.aggregate,
            aggregateCast: field.aggregateCast,
            cast: field.cast,
            alias: field.alias
        )
    }
}
