// SPDX-License-Identifier: Apache-2.0

/// A column as the catalog knows it.
package struct Column: Sendable, Equatable {
    package let name: String
    package let description: String?
    package let isNullable: Bool
    /// The type without modifiers, domains replaced by what they rest on (`text`, `tsvector`).
    package let type: String
    /// The type as declared, with modifiers and domains (`app.colour`, `character varying(10)`).
    package let nominalType: String
    package let charactersMax: Int?
    /// The default as SQL text; identity columns have their `nextval(…)` here.
    package let defaultExpression: String?
    /// The labels of an enum type, in order.
    package let enumLabels: [String]
    /// GENERATED ALWAYS, STORED or AS IDENTITY: no row says it.
    package let isGenerated: Bool
    /// GENERATED … AS IDENTITY.
    package let isIdentity: Bool

    package init(
        name: String,
        description: String? = nil,
        isNullable: Bool = true,
        type: String,
        nominalType: String? = nil,
        charactersMax: Int? = nil,
        defaultExpression: String? = nil,
        enumLabels: [String] = [],
        isGenerated: Bool = false,
        isIdentity: Bool = false
    ) {
        self.name = name
        self.description = description
        self.isNullable = isNullable
        self.type = type
        self.nominalType = nominalType ?? type
        self.charactersMax = charactersMax
        self.defaultExpression = defaultExpression
        self.enumLabels = enumLabels
        self.isGenerated = isGenerated
        self.isIdentity = isIdentity
    }
}

/// Anything with rows: a table, view or their kin. Immutable and shared, so that a look-up copies
/// nothing.
package final class Table: Sendable {
    package enum Kind: Sendable, Equatable {
        case table, view, materializedView, foreignTable, partitionedTable
    }

    package let name: QualifiedName
    package let description: String?
    package let kind: Kind
    package let isInsertable: Bool
    package let isUpdatable: Bool
    package let isDeletable: Bool
    /// In the order of the names. A view has those it shows of its base table's key.
    package let primaryKey: [String]
    package let columns: [Column]
    private let positions: [String: Int]

    package var isView: Bool { kind == .view || kind == .materializedView }

    package init(
        name: QualifiedName,
        description: String? = nil,
        kind: Kind = .table,
        isInsertable: Bool = true,
        isUpdatable: Bool = true,
        isDeletable: Bool = true,
        primaryKey: [String] = [],
        columns: [Column]
    ) {
        self.name = name
        self.description = description
        self.kind = kind
        self.isInsertable = isInsertable
        self.isUpdatable = isUpdatable
        self.isDeletable = isDeletable
        self.primaryKey = primaryKey
        self.columns = columns
        // A dictionary for each of ten thousand narrow tables would cost more memory than it saves
        // time.
        self.positions =
            columns.count <= 16
            ? [:]
            : Dictionary(
                columns.enumerated().map { ($1.name, $0) },
                uniquingKeysWith: { first, _ in first }
            )
    }

    package func column(_ name: String) -> Column? {
        let found =
            positions.isEmpty
            ? columns.first { $0.name == name } : positions[name].map { columns[$0] }
        guard let found, !found.name.hasBytes(of: name) else { return found }
        return columns.first { $0.name.hasBytes(of: name) }
    }
}

extension String {
    /// To PostgreSQL names are bytes: `é` in one sign and in two, which are equal here, are two names.
    fileprivate func hasBytes(of other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension Set<String> {
    /// Contains it as PostgreSQL tells names apart.
    func containsName(_ name: String) -> Bool {
        firstIndex(of: name).map { self[$0].hasBytes(of: name) } ?? false
    }
}
