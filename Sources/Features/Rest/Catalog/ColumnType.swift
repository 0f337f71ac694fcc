// SPDX-License-Identifier: Apache-2.0
/// What the columns of one type have in common. A million columns have a few dozen types.
struct ColumnType {
    /// As declared, without a modifier.
    let name: String
    /// What it comes down to, if that is one of PostgreSQL's own types.
    let plainName: String?
    let refusesNull: Bool
    let defaultExpression: String?
    let labels: [String]
    /// The type a length limit applies to, and the limit a domain sets itself.
    private let limited: Int
    private let domainModifier: Int?

    static let unknown = ColumnType(
        name: "",
        plainName: nil,
        refusesNull: false,
        defaultExpression: nil,
        labels: [],
        limited: 0,
        domainModifier: nil
    )

    static func read(_ rows: CatalogRows, labels: CatalogRows) -> [Int: ColumnType] {
        let labels = Dictionary(grouping: labels.indices) { labels.number($0, 0) }
            .mapValues { $0.map { labels.text($0, 1) } }
        return read(rows, labels)
    }

    private static func read(_ rows: CatalogRows, _ labels: [Int: [String]]) -> [Int: ColumnType] {
        Dictionary(
            rows.indices.map { row in
                let type = ColumnType(
                    name: rows.text(row, 1),
                    plainName: rows.optional(row, 2),
                    refusesNull: rows.flag(row, 3),
                    defaultExpression: rows.optional(row, 4),
                    labels: labels[rows.number(row, 7)] ?? [],
                    limited: rows.number(row, 5),
                    domainModifier: rows.optional(row, 6).flatMap { Int($0) }
                )
                return (rows.number(row, 0), type)
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// As the SQL standard's `character_maximum_length`, for strings of characters and of bits.
    func charactersMax(modifier: Int) -> Int? {
        let modifier = domainModifier ?? modifier
        guard modifier >= 0 else { return nil }
        switch limited {
        case 1042, 1043: return modifier - 4  // bpchar, varchar: the modifier counts its header
        case 1560, 1562: return modifier  // bit, varbit
        default: return nil
        }
    }
}
