// SPDX-License-Identifier: Apache-2.0

/// A read that means something in this database: the tree of relations, every one of them found.
///
/// The stages before I/O, as `Features/Rest` chains them:
/// ```
/// let query = try RequestQuery(parsing: queryBytes)                   // well formed?
/// let range = try RowRange.topLevel(of: query, rangeHeader: header)
/// let plan = try ReadPlan(of: relation, query, range: range, in: …)   // meaningful?
/// let output = try plan.output(accepting: accepted, isHead: false, planEnabled: true, in: catalog)
/// let sql = plan.sql(output, count: .exact)                           // a plan always renders
/// ```
package struct ReadPlan: Sendable {
    let root: ReadNode
    package let relation: QualifiedName
    /// The rows of the top level, before `db-max-rows`.
    package let range: RowRange
    /// `db-max-rows`
    let shownMax: Int?
    /// The request names the whole key.
    let findsOneRow: Bool

    package init(
        of relation: QualifiedName,
        _ query: RequestQuery,
        range: RowRange,
        in catalog: Catalog,
        _ settings: PlannerSettings
    ) throws(PlannerFailure) {
        guard let table = catalog.tables[relation] else { throw catalog.tableNotFound(relation) }
        findsOneRow =
            !table.primaryKey.isEmpty
            && table.primaryKey.allSatisfy { key in
                query.filters.contains { $0.path.isEmpty && $0.value.equals(key) }
            }
        self.relation = relation
        self.range = range
        shownMax = settings.rowsMax
        root = try ReadNode(
            planning: relation,
            query,
            range: range,
            of: .relation,
            in: catalog,
            settings
        )
    }

    /// Embedded relations that have an alias but were spoken of by their name.
    package var legacyTargets: [(name: String, alias: String)] { root.legacyTargets }

    /// Only then may a converter that takes the relation's row type apply.
    package var selectsWholeRow: Bool { root.selectsWholeRow }

    /// About what keeping it takes.
    package var bytes: Int { root.bytes }
}

extension ReadNode {
    /// Where the rows of the top level come from.
    enum Origin: Equatable {
        case relation
        /// Rows that a write returns. Conditions on the top level are the write's own.
        case write
        /// Rows that a function returns.
        case call
    }

    /// The name of the CTE with the rows of a write or call.
    static let sourceName = "pgrst_source"

    init(
        planning relation: QualifiedName,
        _ query: RequestQuery,
        range: RowRange,
        of origin: Origin,
        in catalog: Catalog,
        _ settings: PlannerSettings
    ) throws(PlannerFailure) {
        self.init(relation, selecting: query.select, in: catalog)
        try locate(query, range: range, of: origin, in: catalog, settings)
        if origin != .relation {
            source = QualifiedName("", Self.sourceName)
            sourceAlias = relation.name
        }
        if !children.isEmpty { try relate(in: catalog, schema: relation.schema) }
        var entriesLeft = Self.entriesMaxInAll
        try expandStars(relation: relation, inAggregate: false, in: catalog, &entriesLeft)
        updateAll { $0.addAliases() }
        if !children.isEmpty {
            try resolveRelatedOrders()
            updateAll { $0.findEmbedFilters() }
            try addEmbeds(&entriesLeft)
        } else if let related = order.first(where: { $0.relation != nil })?.relation {
            throw .notEmbedded(related)
        }
        try refuseAggregates(unless: settings.aggregatesEnabled)
        if !children.isEmpty {
            hoistAggregates()
            try moveSpreadOrders()
        }
        guard origin != .write else { return }
        updateAll { $0.range = $0.range.limited(to: settings.rowsMax) }
    }

    /// Puts every filter, order, range and condition to the node it speaks of. Backwards, as each
    /// touches the order of the nodes and the first in the request is to win.
    private mutating func locate(
        _ query: RequestQuery,
        range: RowRange,
        of origin: Origin,
        in catalog: Catalog,
        _ settings: PlannerSettings
    ) throws(PlannerFailure) {
        let legacy = settings.legacyTargetNames
        for filter in query.filters.reversed() where origin != .write || !filter.path.isEmpty {
            try update(at: filter.path[...], legacyTargetNames: legacy) { node in
                let resolver = FieldResolver(catalog, node.source)
                node.filters.insert(.filter(resolver.planned(filter.value)), at: 0)
            }
        }
        if !query.orders.isEmpty {
            let resolver = FieldResolver(catalog, source)
            for order in query.orders.reversed() {
                try update(at: order.path[...], legacyTargetNames: legacy) { node in
                    node.order = order.value.map(resolver.planned)
                }
            }
        }
        if origin != .write {
            for embedded in query.embeddedRanges.reversed() {
                try update(at: embedded.path[...], legacyTargetNames: legacy) {
                    $0.range = embedded.value
                }
            }
            self.range = range
        }
        for logic in query.logic.reversed() where origin != .write || !logic.path.isEmpty {
            try update(at: logic.path[...], legacyTargetNames: legacy) { node in
                let resolver = FieldResolver(catalog, node.source)
                node.filters.insert(resolver.planned(logic.value), at: 0)
            }
        }
    }

    var legacyTargets: [(name: String, alias: String)] {
        var targets: [(name: String, alias: String)] = []
        visit { node in
            if node.isLegacyTarget, let alias = node.alias { targets.append((node.name, alias)) }
        }
        return targets
    }

    var selectsWholeRow: Bool {
        children.isEmpty && select.count == 1 && select[0].field.name == "*"
    }
}
