// SPDX-License-Identifier: Apache-2.0

/// An input parameter of a function.
package struct RoutineParameter: Hashable, Sendable {
    /// Empty for an unnamed parameter.
    package let name: String
    package let type: String
    /// The type that takes any length: `character varying` for `character`, `bit varying` for
    /// `bit`, which would cut or refuse when cast to without one.
    package let castType: String
    package let isRequired: Bool
    package let isVariadic: Bool

    package init(
        name: String,
        type: String,
        castType: String? = nil,
        isRequired: Bool = true,
        isVariadic: Bool = false
    ) {
        self.name = name
        self.type = type
        self.castType = castType ?? type
        self.isRequired = isRequired
        self.isVariadic = isVariadic
    }
}

/// A function that a request can call. Overloads are separate routines of one name.
package final class Routine: Sendable {
    package enum Volatility: Sendable { case immutable, stable, volatile }

    /// What comes back of one call.
    package enum Shape: Hashable, Sendable {
        case scalar(QualifiedName)
        /// Columns: a table's row type, a composite type, OUT parameters or RETURNS TABLE
        /// (`record`). `isAlias` is true for a domain over a composite type.
        case composite(QualifiedName, isAlias: Bool = false)
    }

    package let name: QualifiedName
    package let description: String?
    package let parameters: [RoutineParameter]
    package let shape: Shape
    package let returnsSet: Bool
    package let volatility: Volatility
    package let hasVariadic: Bool
    /// `default_transaction_isolation` of the function, as PostgreSQL writes it.
    package let isolation: String?
    /// Settings of the function that apply to the whole transaction (`statement_timeout`).
    package let settings: [(name: String, value: String)]

    package init(
        name: QualifiedName,
        description: String? = nil,
        parameters: [RoutineParameter] = [],
        shape: Shape,
        returnsSet: Bool = false,
        volatility: Volatility = .volatile,
        hasVariadic: Bool? = nil,
        isolation: String? = nil,
        settings: [(name: String, value: String)] = []
    ) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.shape = shape
        self.returnsSet = returnsSet
        self.volatility = volatility
        self.hasVariadic = hasVariadic ?? parameters.contains { $0.isVariadic }
        self.isolation = isolation
        self.settings = settings
    }

    package var returnsScalar: Bool {
        if case .scalar = shape { return true }
        return false
    }

    /// Scalars that json_agg writes on one line: no arrays, whose types PostgreSQL names `_text`.
    package var returnsPlainScalars: Bool {
        guard case .scalar(let type) = shape else { return false }
        return !type.name.hasPrefix("_")
    }

    package var returnsVoid: Bool {
        !returnsSet && shape == .scalar(QualifiedName("pg_catalog", "void"))
    }

    /// The relation whose rows are returned, by which the result can be filtered and embedded.
    package var rowName: String? {
        if case .composite(let name, _) = shape { return name.name }
        return nil
    }

    /// Fewest parameters first; then an order that does not depend on how the catalog was read.
    package static func isListed(_ left: Routine, before right: Routine) -> Bool {
        if left.parameters.count != right.parameters.count {
            return left.parameters.count < right.parameters.count
        }
        return left.listingKey.lexicographicallyPrecedes(right.listingKey)
    }

    private var listingKey: [String] {
        [description.map { "1" + $0 } ?? "0"] + parameters.flatMap { [$0.name, $0.type] }
    }
}
