// SPDX-License-Identifier: Apache-2.0

extension SQLWriter {
    /// The column itself, or what the JSON path finds in it.
    mutating func field(_ field: PlannedField, of relation: QualifiedName) {
        guard let vector = field.textVector else { return plainField(field, of: relation) }
        raw("to_tsvector(")
        language(vector.language)
        plainField(field, of: relation)
        raw(")")
    }

    private mutating func plainField(_ field: PlannedField, of relation: QualifiedName) {
        if field.isWholeRow { return identifier(relation.name) }
        let converts = field.convertsToJSON && !field.path.isEmpty
        if converts { raw("to_jsonb(") }
        column(field.name, of: relation)
        if converts { raw(")") }
        for step in field.path {
            if step.asText { raw("->>") } else { raw("->") }
            switch step.operand {
            case .key(let key): value(key)
            case .index(let index):
                value(index)
                raw("::int")
            }
        }
    }

    mutating func language(_ language: String?) {
        guard let language else { return }
        value(language)
        raw(", ")
    }

    mutating func selection(_ selection: PlannedSelection, of relation: QualifiedName) {
        aggregated(selection.aggregate, cast: selection.aggregateCast) { writer in
            writer.cast(to: selection.cast) { writer in
                writer.transformed(by: selection.field.transform) { writer in
                    writer.field(selection.field, of: relation)
                }
            }
        }
        alias(selection.alias)
    }

    mutating func spreadSelection(_ selection: SpreadSelection, of internalName: String) {
        aggregated(selection.aggregate, cast: selection.aggregateCast) { writer in
            writer.column(selection.name, of: QualifiedName("", internalName))
        }
        alias(selection.alias)
    }

    mutating func alias(_ alias: String?) {
        guard let alias else { return }
        raw(" AS ")
        identifier(alias)
    }

    mutating func transformed(by function: String?, _ write: (inout SQLWriter) -> Void) {
        guard let function else { return write(&self) }
        trusted(function)
        raw("(")
        write(&self)
        raw(")")
    }

    private mutating func aggregated(
        _ aggregate: Aggregate?,
        cast type: String?,
        _ write: (inout SQLWriter) -> Void
    ) {
        guard let aggregate else { return write(&self) }
        cast(to: type) { writer in
            writer.trusted(aggregate.rawValue.uppercased())
            writer.raw("(")
            write(&writer)
            writer.raw(")")
        }
    }

    // The type is not quoted, as `"bigint"` would be no type. The parser admits letters, digits,
    // `_`, `$` and spaces only.
    private mutating func cast(to type: String?, _ write: (inout SQLWriter) -> Void) {
        guard let type else { return write(&self) }
        raw("CAST( ")
        write(&self)
        raw(" AS ")
        trusted(type)
        raw(" )")
    }
}

extension SQLWriter {
    mutating func order(_ terms: [PlannedOrder], of relation: QualifiedName) {
        guard !terms.isEmpty else { return }
        raw("ORDER BY ")
        list(terms) { writer, term in
            writer.field(term.field, of: term.relation.map { QualifiedName("", $0) } ?? relation)
            writer.raw(" ")
            switch term.direction {
            case .ascending: writer.raw("ASC")
            case .descending: writer.raw("DESC")
            case nil: break
            }
            switch term.nulls {
            case .first: writer.raw(" NULLS FIRST")
            case .last: writer.raw(" NULLS LAST")
            case nil: break
            }
        }
    }

    mutating func range(_ range: RowRange) {
        guard range != .all else { return }
        raw("LIMIT ")
        if let limit = range.limit { value(String(limit)) } else { raw("ALL") }
        raw(" OFFSET ")
        value(String(range.offset))
    }
}
