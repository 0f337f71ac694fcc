// SPDX-License-Identifier: Apache-2.0
package import QueryPlanner

/// Puts a `Catalog` together from what introspection read. Pure: rows in, a value out.
package struct CatalogLoader {
    private let source: CatalogSource
    private let exposedSchemas: [String]
    private let types: [Int: ColumnType]
    private let keys: CatalogKeys
    private var relations: [Int: Relation] = [:]

    /// A relation while its parts are being collected.
    struct Relation {
        let name: QualifiedName
        let kind: Table.Kind
        let abilities: Int
        let isPartition: Bool
        let description: String?
        /// Positions of its rows in `columns`, which are sorted by relation.
        var columnRows = 0..<0
        var isView: Bool { kind == .view || kind == .materializedView }
    }

    package static func load(_ source: CatalogSource, exposing schemas: [String]) -> Catalog {
        load(source, RoutineReader(source).routines(), exposing: schemas)
    }

    /// With functions that were read before, for those who need their OIDs as well.
    static func load(
        _ source: CatalogSource,
        _ routines: [Int: Routine],
        exposing schemas: [String]
    ) -> Catalog {
        CatalogLoader(source, schemas).catalog(Array(routines.values))
    }

    private init(_ source: CatalogSource, _ schemas: [String]) {
        self.source = source
        exposedSchemas = schemas
        types = ColumnType.read(source.types, labels: source.enumLabels)
        keys = CatalogKeys(source.constraints)
        relations = Self.relations(in: source)
    }

    private func catalog(_ routines: [Routine]) -> Catalog {
        let views = ViewKeys(
            rules: source.viewRules,
            keys: keys,
            columnName: { columnName($1, of: $0) }
        )
        let primaryKeys = primaryKeys(views)
        let relationships = RelationshipFinder(
            relations: relations,
            keys: keys,
            views: views,
            primaryKeys: primaryKeys,
            columnName: { columnName($1, of: $0) }
        )
        return Catalog(
            exposedSchemas: exposedSchemas,
            tables: tables(primaryKeys),
            relationships: relationships.all(),
            computedRelationships: computedRelationships(),
            routines: routines,
            representations: representations(),
            mediaConverters: mediaConverters()
        )
    }

    private static func relations(in source: CatalogSource) -> [Int: Relation] {
        let rows = source.relations
        var relations: [Int: Relation] = [:]
        relations.reserveCapacity(rows.indices.count)
        for row in rows.indices {
            relations[rows.number(row, 0)] = Relation(
                name: QualifiedName(rows.text(row, 1), rows.text(row, 2)),
                kind: kind(rows.text(row, 3)),
                abilities: rows.number(row, 4),
                isPartition: rows.flag(row, 5),
                description: rows.optional(row, 6)
            )
        }
        let columns = source.columns
        var start = 0
        while start < columns.indices.count {
            let relation = columns.number(start, 0)
            var end = start + 1
            while end < columns.indices.count, columns.number(end, 0) == relation { end += 1 }
            relations[relation]?.columnRows = start..<end
            start = end
        }
        return relations
    }

    private static func kind(_ relkind: String) -> Table.Kind {
        switch relkind {
        case "v": .view
        case "m": .materializedView
        case "f": .foreignTable
        case "p": .partitionedTable
        default: .table
        }
    }

    /// The name of column number `number`. Dropped columns leave gaps, so a miss looks around.
    private func columnName(_ number: Int, of relation: Int) -> String? {
        guard let rows = relations[relation]?.columnRows else { return nil }
        let guess = rows.lowerBound + number - 1
        if rows.contains(guess), source.columns.number(guess, 1) == number {
            return source.columns.text(guess, 2)
        }
        return rows.first { source.columns.number($0, 1) == number }
            .map { source.columns.text($0, 2) }
    }

    /// A table's key in the order of the column names; a view shows those of the tables under it.
    private func primaryKeys(_ views: ViewKeys) -> [Int: [String]] {
        var found = views.primaryKeys
        for key in keys.primary {
            let names = key.columns.compactMap { columnName($0, of: key.relation) }
            found[key.relation] = names.sorted(by: precedesByBytes)
        }
        return found
    }

    private func tables(_ primaryKeys: [Int: [String]]) -> [Table] {
        let writable: (Int, Int) -> Bool = { $0 & $1 == $1 }
        return relations.compactMap { identifier, relation in
            guard !relation.isPartition else { return nil }
            return Table(
                name: relation.name,
                description: relation.description,
                kind: relation.kind,
                // Bits of pg_relation_is_updatable: 1 << CMD_INSERT, CMD_UPDATE, CMD_DELETE.
                isInsertable: writable(relation.abilities, 8),
                isUpdatable: writable(relation.abilities, 4),
                isDeletable: writable(relation.abilities, 16),
                primaryKey: primaryKeys[identifier] ?? [],
                columns: relation.columnRows.map { column($0) }
            )
        }
    }

    private func column(_ row: Int) -> Column {
        let rows = source.columns
        let type = types[rows.number(row, 3)] ?? .unknown
        let modifier = rows.number(row, 4)
        let nominal = rows.optional(row, 6) ?? type.name
        let hasOwnDefault = rows.flag(row, 8)
        return Column(
            name: rows.text(row, 2),
            description: rows.optional(row, 9),
            isNullable: !(rows.flag(row, 5) || type.refusesNull),
            type: type.plainName ?? nominal,
            nominalType: nominal,
            charactersMax: type.charactersMax(modifier: modifier),
            defaultExpression: rows.optional(row, 7)
                ?? (hasOwnDefault ? nil : type.defaultExpression),
            enumLabels: type.labels,
            // A default that has no expression to show is none that a row can replace.
            isGenerated: hasOwnDefault && rows.optional(row, 7) == nil
        )
    }

    private func computedRelationships() -> [Relationship] {
        let rows = source.computedRelationships
        return rows.indices.map { row in
            Relationship(
                source: QualifiedName(rows.text(row, 2), rows.text(row, 3)),
                target: QualifiedName(rows.text(row, 4), rows.text(row, 5)),
                join: .computed(
                    function: QualifiedName(rows.text(row, 0), rows.text(row, 1)),
                    isToOne: rows.flag(row, 6)
                )
            )
        }
    }

    private func representations() -> [Catalog.Cast: String] {
        let rows = source.representations
        return Dictionary(
            rows.indices.map {
                (Catalog.Cast(from: rows.text($0, 0), to: rows.text($0, 1)), rows.text($0, 2))
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    private func mediaConverters() -> [Catalog.MediaKey: MediaConverter] {
        let rows = source.mediaHandlers
        let converters = rows.indices.map { row in
            let named = QualifiedName(rows.text(row, 2), rows.text(row, 3))
            let target = named == QualifiedName("pg_catalog", "anyelement") ? nil : named
            let converter = MediaConverter(
                function: QualifiedName(rows.text(row, 0), rows.text(row, 1)),
                target: target,
                mediaType: MediaType(parsing: rows.text(row, 5))
            )
            return (Catalog.MediaKey(target, MediaType(parsing: rows.text(row, 4))), converter)
        }
        return Dictionary(converters, uniquingKeysWith: { _, last in last })
    }
}

/// PostgreSQL sorts names by their bytes; Swift's own order of strings is canonical equivalence.
func precedesByBytes(_ left: String, _ right: String) -> Bool {
    left.utf8.lexicographicallyPrecedes(right.utf8)
}
