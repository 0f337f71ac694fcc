// SPDX-License-Identifier: Apache-2.0

/// The rows of one introspection query, as text.
///
/// One flat array: a schema of ten thousand tables has a million cells, and an array a row would
/// cost more than they do.
package struct CatalogRows: Sendable {
    private let width: Int
    private let cells: [String?]

    package init(width: Int, cells: [String?]) {
        precondition(width > 0 && cells.count % width == 0)
        self.width = width
        self.cells = cells
    }

    package init(_ rows: [[String?]]) {
        self.init(width: max(rows.first?.count ?? 1, 1), cells: rows.flatMap(\.self))
    }

    var indices: Range<Int> { 0..<cells.count / width }

    func optional(_ row: Int, _ column: Int) -> String? {
        cells[row * width + column]
    }

    func text(_ row: Int, _ column: Int) -> String {
        optional(row, column) ?? ""
    }

    func number(_ row: Int, _ column: Int) -> Int {
        optional(row, column).flatMap { Int($0) } ?? 0
    }

    func flag(_ row: Int, _ column: Int) -> Bool {
        optional(row, column) == "t"
    }

    /// An `int2[]` as PostgreSQL writes it: `{1,2}`.
    func numbers(_ row: Int, _ column: Int) -> [Int] {
        text(row, column).utf8.split { $0 < 0x30 || $0 > 0x39 }.compactMap { Int(Substring($0)) }
    }
}

/// Everything introspection reads, each the answer to the query of the same name.
package struct CatalogSource: Sendable {
    package var relations: CatalogRows
    package var columns: CatalogRows
    package var types: CatalogRows
    package var enumLabels: CatalogRows
    package var constraints: CatalogRows
    package var viewRules: CatalogRows
    package var routines: CatalogRows
    package var routineParameters: CatalogRows
    package var routineSettings: CatalogRows
    package var computedRelationships: CatalogRows
    package var representations: CatalogRows
    package var mediaHandlers: CatalogRows
}
