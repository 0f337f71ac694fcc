// SPDX-License-Identifier: Apache-2.0

/// What a role may do with a relation, or with some columns of it.
package struct TablePrivileges: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }
    package static let select = Self(rawValue: 1)
    package static let insert = Self(rawValue: 2)
    package static let update = Self(rawValue: 4)
    package static let delete = Self(rawValue: 8)
    package static let all: Self = [.select, .insert, .update, .delete]
}
