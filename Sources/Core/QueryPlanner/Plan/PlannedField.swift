// SPDX-License-Identifier: Apache-2.0

/// A field together with what the catalog knows of it in the place where it is used.
struct PlannedField: Hashable, Sendable {
    /// How a text search looks at a column that is no `tsvector`.
    struct TextVector: Hashable, Sendable {
        var language: String?
    }

    var name: String
    var path: [JSONStep] = []
    /// A JSON path into anything but json goes through `to_jsonb`. json itself does not, so that an
    /// index on the expression is used.
    var convertsToJSON = false
    var textVector: TextVector?
    /// The type as declared; empty when unknown.
    var type = ""
    /// The function that turns the column, or a value for it, into the form wanted here.
    var transform: String?
    var defaultExpression: String?
    /// Stands for the whole row, in `count()` of a spread.
    var isWholeRow = false

    static let star = PlannedField(name: "*")
}

struct PlannedSelection: Hashable, Sendable {
    var field: PlannedField
    var aggregate: Aggregate?
    var aggregateCast: String?
    var cast: String?
    var alias: String?
}

indirect enum PlannedLogic: Hashable, Sendable {
    case filter(PlannedFilter)
    case group(isNegated: Bool, LogicGroup.Connective, [PlannedLogic])
    /// Whether an embedded relation, by its internal name, has no row.
    case embedIsNull(isNegated: Bool, name: String)
}

struct PlannedFilter: Hashable, Sendable {
    var field: PlannedField
    var isNegated: Bool
    var operation: Operation
}

struct PlannedOrder: Hashable, Sendable {
    /// The internal name of the embedded relation whose column this is.
    var relation: String?
    var field: PlannedField
    var direction: OrderTerm.Direction?
    var nulls: OrderTerm.Nulls?
}

/// Finds out what fields of one relation are.
struct FieldResolver {
    let catalog: Catalog
    let table: Table?

    init(_ catalog: Catalog, _ name: QualifiedName) {
        self.catalog = catalog
        table = catalog.tables[name]
    }

    init(_ catalog: Catalog, _ table: Table?) {
        self.catalog = catalog
        self.table = table
    }

    /// An unknown column is not an error here: it can be a function of the row, and PostgreSQL
    /// knows.
    func resolved(_ field: Field, textVector: PlannedField.TextVector? = nil) -> PlannedField {
        guard let column = table?.column(field.name) else {
            return PlannedField(name: field.name, path: field.path, convertsToJSON: true)
        }
        var planned = PlannedField(column, path: field.path)
        planned.convertsToJSON = column.nominalType != "json" && column.nominalType != "jsonb"
        planned.textVector = column.type == "tsvector" && planned.convertsToJSON ? nil : textVector
        return planned
    }

    /// As it goes into the response.
    func output(_ field: Field) -> PlannedField { output(resolved(field)) }

    func output(_ field: PlannedField) -> PlannedField {
        transformed(field, from: field.type, to: "json")
    }

    /// As it is compared with a text from the query string.
    func compared(_ field: Field, with operation: Operation) -> PlannedField {
        var vector: PlannedField.TextVector?
        if case .textSearch(_, let language, _) = operation { vector = .init(language: language) }
        let planned = resolved(field, textVector: vector)
        return transformed(planned, from: "text", to: planned.type)
    }

    /// As it comes from a JSON body; nil when there is no such column.
    func written(_ name: String) -> PlannedField? {
        guard let column = table?.column(name) else { return nil }
        let planned = PlannedField(column)
        return transformed(planned, from: "json", to: planned.type)
    }

    /// Where there is a function for it, the value goes through that, and `type` is what it takes.
    private func transformed(
        _ field: PlannedField,
        from source: String,
        to target: String
    ) -> PlannedField {
        guard !catalog.representations.isEmpty,
            let function = catalog.representations[Catalog.Cast(from: source, to: target)]
        else { return field }
        var field = field
        field.type = source
        field.transform = function
        return field
    }

    var hasOutputRepresentation: Bool {
        guard !catalog.representations.isEmpty, let table else { return false }
        return table.columns.contains {
            catalog.representations[Catalog.Cast(from: $0.nominalType, to: "json")] != nil
        }
    }
}

extension FieldResolver {
    func planned(_ filter: Filter) -> PlannedFilter {
        PlannedFilter(
            field: compared(filter.field, with: filter.operation),
            isNegated: filter.isNegated,
            operation: filter.operation
        )
    }

    func planned(_ tree: LogicTree) -> PlannedLogic {
        switch tree {
        case .filter(let filter): .filter(planned(filter))
        case .group(let group):
            .group(
                isNegated: group.isNegated,
                group.connective,
                group.members.map(planned)
            )
        }
    }

    func planned(_ term: OrderTerm) -> PlannedOrder {
        PlannedOrder(
            relation: term.relation,
            field: term.relation == nil
                ? resolved(term.field)
                : PlannedField(name: term.field.name, path: term.field.path),
            direction: term.direction,
            nulls: term.nulls
        )
    }
}

extension PlannedField {
    init(_ column: Column, path: [JSONStep] = []) {
        self.init(
            name: column.name,
            path: path,
            type: column.nominalType,
            defaultExpression: column.defaultExpression
        )
    }
}
