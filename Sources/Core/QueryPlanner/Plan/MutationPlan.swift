// SPDX-License-Identifier: Apache-2.0

/// What a write does with rows that are there already.
package enum ConflictResolution: Sendable { case merge, ignore }

/// How a write is to be answered.
package enum Representation: Sendable {
    /// Nothing but how many rows it was.
    case minimal
    /// Where the one new row is.
    case headersOnly
    case full
}

/// The body of a write, as JSON, and which columns it gives.
package struct WriteBody: Sendable {
    package let json: [UInt8]
    package let columns: Set<String>

    package init(json: [UInt8], columns: Set<String>) {
        self.json = json
        self.columns = columns
    }
}

/// A write that means something in this database, and the read that shows what it wrote.
///
/// ```
/// let plan = try MutationPlan(.insert, of: relation, query, body: body, options, in: …)
/// let output = try plan.output(accepting: accepted, planEnabled: true, in: catalog)
/// let sql = plan.sql(output)
/// ```
package struct MutationPlan: Sendable {
    package enum Kind: Sendable {
        case insert, update, delete
        /// PUT: the one row of the key in the filters.
        case put
    }

    package struct Options: Sendable {
        package var representation: Representation
        package var resolution: ConflictResolution?
        /// Columns that a row lacks take their defaults, rather than null.
        package var appliesDefaults: Bool

        package init(
            representation: Representation = .minimal,
            resolution: ConflictResolution? = nil,
            appliesDefaults: Bool = false
        ) {
            self.representation = representation
            self.resolution = resolution
            self.appliesDefaults = appliesDefaults
        }
    }

    package let kind: Kind
    package let relation: QualifiedName
    package let options: Options
    let root: ReadNode
    /// The columns of the body, sorted.
    let columns: [PlannedField]
    let json: [UInt8]
    /// What the rows to change, or the body of a PUT, must be like.
    let conditions: [PlannedLogic]
    /// What the write returns for the read: columns, `*`, or nothing.
    let returning: [String]
    let primaryKey: [String]
    let conflict: (resolution: ConflictResolution, columns: [String])?

    package init(
        _ kind: Kind,
        of relation: QualifiedName,
        _ query: RequestQuery,
        body: WriteBody? = nil,
        _ options: Options = Options(),
        in catalog: Catalog,
        _ settings: PlannerSettings
    ) throws(PlannerFailure) {
        guard kind != .put || query.range == .all else { throw .limitOnPut }
        guard let table = catalog.tables[relation] else { throw catalog.tableNotFound(relation) }
        self.kind = kind
        self.relation = relation
        self.options = options
        root = try ReadNode(
            planning: relation,
            query,
            range: .all,
            of: .write,
            in: catalog,
            settings
        )
        if kind == .put { try query.requireWholeKey(of: table) }
        let resolver = FieldResolver(catalog, table)
        columns = try resolver.written(kind == .delete ? [] : body?.columns ?? [], of: relation)
        json = body?.json ?? []
        conditions = resolver.conditions(ofRootIn: query)
        primaryKey = table.primaryKey
        returning =
            options.representation == .minimal ? [] : root.columnsNeeded(beside: primaryKey)
        conflict = Self.conflict(kind, query, options, primaryKey)
    }

    private static func conflict(
        _ kind: Kind,
        _ query: RequestQuery,
        _ options: Options,
        _ primaryKey: [String]
    ) -> (ConflictResolution, [String])? {
        switch kind {
        case .put: (.merge, primaryKey)
        case .insert: options.resolution.map { ($0, query.conflictColumns ?? primaryKey) }
        case .update, .delete: nil
        }
    }

    /// How the rows are shown; not at all, but for `return=representation`.
    package func output(
        accepting accepted: [MediaType],
        planEnabled: Bool,
        in catalog: Catalog
    ) throws(PlannerFailure) -> Output {
        let output = try catalog.output(
            accepting: accepted,
            for: relation,
            selectsWholeRow: root.selectsWholeRow,
            planEnabled: planEnabled
        )
        return options.representation == .full ? output : output.withoutBody
    }

    package var legacyTargets: [(name: String, alias: String)] { root.legacyTargets }

    /// Whether the statement counts what it inserted, in `response_inserted`: 201 or 200 depends on
    /// it.
    package var countsInserted: Bool {
        kind == .put || (kind == .insert && options.resolution == .merge)
    }
}

extension RequestQuery {
    fileprivate func requireWholeKey(of table: Table) throws(PlannerFailure) {
        let filtersAreKeys = filters.allSatisfy { located in
            guard located.path.isEmpty else { return true }
            guard case .quantified(.equal, nil, _) = located.value.operation else { return false }
            return !located.value.isNegated
        }
        guard logic.isEmpty, !table.primaryKey.isEmpty, filtersAreKeys,
            Set(filterKeys) == Set(table.primaryKey)
        else { throw .filtersMustBeKey }
    }
}

extension FieldResolver {
    fileprivate func written(
        _ names: Set<String>,
        of relation: QualifiedName
    ) throws(PlannerFailure) -> [PlannedField] {
        var fields: [PlannedField] = []
        for name in names.sorted() {
            guard let field = written(name) else {
                throw .columnNotFound(name, of: relation.name)
            }
            fields.append(field)
        }
        return fields
    }

    fileprivate func conditions(ofRootIn query: RequestQuery) -> [PlannedLogic] {
        query.filters.filter(\.path.isEmpty).map { .filter(planned($0.value)) }
            + query.logic.filter(\.path.isEmpty).map { planned($0.value) }
    }
}

extension ReadNode {
    /// The columns that showing and embedding take, so that no more than these must be readable: the
    /// dialect refuses to order by another.
    func columnsNeeded(beside others: [String] = []) -> [String] {
        let selected = select.map(\.field.name)
        // With the star nothing may come twice, or it would be ambiguous. What a function of the
        // row looks at is not known.
        if selected.contains("*") || children.contains(where: { $0.relationship?.function != nil })
        {
            return ["*"]
        }
        let keys = children.flatMap { child -> [String] in
            switch child.relationship?.join {
            case .oneToMany(_, let columns), .manyToOne(_, let columns),
                .oneToOne(_, let columns, _):
                columns.map(\.source)
            case .manyToMany(let junction): junction.sourceColumns.map(\.source)
            case .computed, nil: []
            }
        }
        return Set(selected + keys + others).sorted()
    }
}
