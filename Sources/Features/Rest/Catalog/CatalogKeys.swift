// SPDX-License-Identifier: Apache-2.0

/// Primary keys, unique constraints and foreign keys of every relation, by OID.
struct CatalogKeys {
    struct Key {
        let relation: Int
        let columns: [Int]
    }

    struct ForeignKey {
        let relation: Int
        let target: Int
        let name: String
        let columns: [Int]
        let targetColumns: [Int]
        /// A copy on a partition says nothing that the partitioned table does not say.
        let isInherited: Bool
        /// The columns are a key themselves: at most one row refers to another.
        var isUnique = false
    }

    private(set) var primary: [Key] = []
    private(set) var foreign: [ForeignKey] = []

    init(_ rows: CatalogRows) {
        var unique: [Int: Set<[Int]>] = [:]
        for row in rows.indices {
            let relation = rows.number(row, 1)
            let columns = rows.numbers(row, 4)
            guard rows.text(row, 0) == "f" else {
                unique[relation, default: []].insert(columns.sorted())
                if rows.text(row, 0) == "p" {
                    primary.append(Key(relation: relation, columns: columns))
                }
                continue
            }
            foreign.append(
                ForeignKey(
                    relation: relation,
                    target: rows.number(row, 2),
                    name: rows.text(row, 3),
                    columns: columns,
                    targetColumns: rows.numbers(row, 5),
                    isInherited: rows.flag(row, 6)
                )
            )
        }
        for index in foreign.indices {
            let key = foreign[index]
            foreign[index].isUnique = unique[key.relation]?.contains(key.columns.sorted()) ?? false
        }
    }
}
