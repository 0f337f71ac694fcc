// SPDX-License-Identifier: Apache-2.0

/// One arrow of a JSON path.
package struct JSONStep: Hashable, Sendable {
    package enum Operand: Hashable, Sendable {
        case key(String)
        /// With its sign, as written. PostgreSQL reads it as an `int`.
        case index(String)
    }

    package let operand: Operand
    /// `->>` rather than `->`.
    package let asText: Bool
}

/// A column, or what a JSON path finds in it.
package struct Field: Hashable, Sendable {
    package let name: String
    package let path: [JSONStep]

    package init(_ name: String, path: [JSONStep] = []) {
        self.name = name
        self.path = path
    }
}

/// What a request asks for in `select`.
package indirect enum SelectItem: Hashable, Sendable {
    case field(SelectedField)
    case relation(SelectedRelation)
}

package struct SelectedField: Hashable, Sendable {
    package var field: Field
    package var aggregate: Aggregate?
    /// The cast of the aggregate's result.
    package var aggregateCast: String?
    /// The cast of the column itself.
    package var cast: String?
    package var alias: String?
}

package enum Aggregate: String, Sendable {
    case sum, avg, max, min, count
}

package struct SelectedRelation: Hashable, Sendable {
    package enum Join: Sendable { case inner, left }

    package var name: String
    package var alias: String?
    package var hint: String?
    package var join: Join?
    /// `...name(…)`: its columns become columns of the parent.
    package var isSpread: Bool
    package var items: [SelectItem]
}

/// One term of `order`.
package struct OrderTerm: Hashable, Sendable {
    package enum Direction: Sendable { case ascending, descending }
    package enum Nulls: Sendable { case first, last }

    /// The embedded relation whose column this is, if it is not the relation's own.
    package var relation: String?
    package var field: Field
    package var direction: Direction?
    package var nulls: Nulls?
}
