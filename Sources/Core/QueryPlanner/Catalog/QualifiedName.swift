// SPDX-License-Identifier: Apache-2.0

/// The name of a relation, function or type inside its schema. An empty schema leaves the choice to
/// PostgreSQL's `search_path`.
package struct QualifiedName: Hashable, Sendable, Comparable {
    package let schema: String
    package let name: String

    package init(_ schema: String, _ name: String) {
        self.schema = schema
        self.name = name
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.schema, left.name) < (right.schema, right.name)
    }
}
