// SPDX-License-Identifier: Apache-2.0
import CLibpq

/// One thing that a connection string says, as libpq reads it: the notations are many, and what a
/// scanner of ours took for the end of a password would not always be one.
package struct ConnectionOption: Sendable, Equatable {
    package let name: String
    package let value: String
    /// Not to be shown (PostgreSQL §34.1, `dispchar`).
    package let isSecret: Bool

    /// What the string sets, in libpq's order; nil where it means nothing to libpq.
    package static func read(_ connection: String) -> [ConnectionOption]? {
        // Without the two marks of a connection string, libpq takes it for a database's name.
        guard let list = unsafe PQconninfoParse(connection, nil) else { return nil }
        defer { unsafe PQconninfoFree(list) }
        var options: [ConnectionOption] = []
        var next = unsafe list
        while let keyword = unsafe next.pointee.keyword {
            if let value = unsafe next.pointee.val {
                let display = unsafe next.pointee.dispchar.map { unsafe String(cString: $0) }
                options.append(
                    ConnectionOption(
                        name: unsafe String(cString: keyword),
                        value: unsafe String(cString: value),
                        isSecret: display == "*"
                    )
                )
            }
            unsafe next += 1
        }
        return options
    }
}
