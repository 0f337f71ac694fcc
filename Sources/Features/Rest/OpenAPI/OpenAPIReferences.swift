// SPDX-License-Identifier: Apache-2.0
import QueryPlanner

/// What a table's columns and rows refer to.
struct OpenAPIReferences {
    /// By column: the foreign key it is alone. A table is named rather than a view of it.
    private(set) var columns: [String: (table: String, column: String)] = [:]
    /// What `select` can embed, by name.
    let embeddable: [String]

    init(of table: Table, in catalog: Catalog) {
        let relationships = (catalog.relationships[table.name] ?? [])
            .filter { $0.target.schema == table.name.schema }
        embeddable = Set(relationships.map(\.target.name)).sorted()
        for relationship in relationships.filter({ !$0.targetIsView })
            + relationships.filter(\.targetIsView)
        {
            let pairs: [ColumnPair]
            switch relationship.join {
            case .manyToOne(_, let columns), .oneToOne(_, let columns, sourceIsParent: false):
                pairs = columns
            case .oneToOne, .oneToMany, .manyToMany, .computed: continue
            }
            guard pairs.count == 1, columns[pairs[0].source] == nil else { continue }
            columns[pairs[0].source] = (relationship.target.name, pairs[0].target)
        }
    }
}
