// SPDX-License-Identifier: Apache-2.0

/// What views show of the keys of the tables under them, through any number of views in between.
struct ViewKeys {
    /// The columns of a view under which it shows the columns of a key, one list for each way to
    /// choose them: a view may show a column twice.
    struct Showing {
        let view: Int
        let choices: [[String]]
    }

    /// By view: the first way in which it shows the primary keys of its tables.
    private(set) var primaryKeys: [Int: [String]] = [:]
    /// By position in `CatalogKeys.foreign`: views of the table that refers, and of the one
    /// referred to.
    private(set) var referring: [Int: [Showing]] = [:]
    private(set) var referred: [Int: [Showing]] = [:]

    private struct Place: Hashable {
        let relation: Int
        let column: Int
    }

    init(rules: CatalogRows, keys: CatalogKeys, columnName: (Int, Int) -> String?) {
        let index = KeysByTable(keys)
        let origins = Self.origins(rules)
        for row in rules.indices where rules.flag(row, 1) {
            let view = rules.number(row, 0)
            let shown = Self.shownColumns(of: view, origins, columnName)
            let tables = Set(shown.keys.map(\.relation))
            for table in tables.sorted() {
                addKeys(of: table, shownBy: view, as: shown, index, keys)
            }
        }
    }

    private mutating func addKeys(
        of table: Int,
        shownBy view: Int,
        as shown: [Place: [String]],
        _ index: KeysByTable,
        _ keys: CatalogKeys
    ) {
        func names(_ columns: [Int]) -> [[String]]? {
            let names = columns.compactMap { shown[Place(relation: table, column: $0)] }
            return names.count == columns.count ? names : nil
        }
        for key in index.primary[table] ?? [] {
            guard let names = names(keys.primary[key].columns) else { continue }
            primaryKeys[view, default: []] += names.compactMap(\.first)
        }
        for key in index.referring[table] ?? [] {
            guard let names = names(keys.foreign[key].columns) else { continue }
            let showing = Showing(view: view, choices: Self.combinations(names))
            referring[key, default: []].append(showing)
        }
        for key in index.referred[table] ?? [] {
            guard let names = names(keys.foreign[key].targetColumns) else { continue }
            let showing = Showing(view: view, choices: Self.combinations(names))
            referred[key, default: []].append(showing)
        }
    }

    private static func origins(_ rules: CatalogRows) -> [Int: [ViewColumnOrigins.Origin]] {
        Dictionary(
            rules.indices.map {
                (rules.number($0, 0), ViewColumnOrigins.read(rules.text($0, 2)))
            },
            uniquingKeysWith: { first, _ in first }
        )
    }

    /// Follows each column down to a table. Views cannot refer to one another in a circle when they
    /// are created, but CREATE OR REPLACE can make them, so a path never visits a relation twice.
    private static func shownColumns(
        of view: Int,
        _ origins: [Int: [ViewColumnOrigins.Origin]],
        _ columnName: (Int, Int) -> String?
    ) -> [Place: [String]] {
        var shown: [Place: [String]] = [:]
        for origin in origins[view] ?? [] {
            guard let name = columnName(view, origin.column) else { continue }
            var place = Place(relation: origin.relation, column: origin.relationColumn)
            var visited: Set<Int> = [view]
            while visited.insert(place.relation).inserted {
                shown[place, default: []].append(name)
                let next = origins[place.relation]?.first { $0.column == place.column }
                guard let next else { break }
                place = Place(relation: next.relation, column: next.relationColumn)
            }
        }
        return shown
    }

    private static func combinations(_ names: [[String]]) -> [[String]] {
        names.reduce([[]]) { chosen, next in
            chosen.flatMap { head in next.map { head + [$0] } }
        }
    }
}

/// Positions in `CatalogKeys` by the table concerned.
private struct KeysByTable {
    let primary: [Int: [Int]]
    let referring: [Int: [Int]]
    let referred: [Int: [Int]]

    init(_ keys: CatalogKeys) {
        primary = Dictionary(grouping: keys.primary.indices) { keys.primary[$0].relation }
        referring = Dictionary(grouping: keys.foreign.indices) { keys.foreign[$0].relation }
        referred = Dictionary(grouping: keys.foreign.indices) { keys.foreign[$0].target }
    }
}
