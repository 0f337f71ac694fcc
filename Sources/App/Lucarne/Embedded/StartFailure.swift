// SPDX-License-Identifier: Apache-2.0

/// Why work could not begin, although the configuration could be read: one line that says what to do.
package struct StartFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
