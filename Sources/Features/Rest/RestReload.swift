// SPDX-License-Identifier: Apache-2.0

/// What is to be read from the database anew.
package struct RestReload: OptionSet, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Tables, relationships, functions.
    package static let catalog = Self(rawValue: 1)
    /// `pgrst.…` of the connecting role, and what roles set for themselves.
    package static let settings = Self(rawValue: 2)
    package static let everything: Self = [.catalog, .settings]

    /// What a notification asks for, as PostgREST's users know it. Other words ask for nothing.
    package init(notification payload: String) {
        switch payload {
        case "", "reload schema": self = .catalog
        case "reload config": self = .settings
        default: self = []
        }
    }
}
