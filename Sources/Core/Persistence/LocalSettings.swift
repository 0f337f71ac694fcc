// SPDX-License-Identifier: Apache-2.0
package import PostgresClient

/// Settings that hold for one transaction, in the order in which they are set
/// (`set_config(name, value, true)`, PostgreSQL §9.28.1).
package struct LocalSettings: Equatable, Sendable {
    let names: Names
    /// One for each name.
    package private(set) var values: Parameters

    package init(_ names: Names, _ values: Parameters) {
        self.names = names
        self.values = values
    }

    package init(_ settings: [(name: String, value: String)]) {
        self.init(Names(settings.map(\.name)), Parameters(settings.map(\.value)))
    }

    package static func == (one: LocalSettings, other: LocalSettings) -> Bool {
        one.names === other.names && one.values == other.values
    }

    static let none = LocalSettings([])

    var isEmpty: Bool { names.all.isEmpty }

    /// One after the other, for where they are not set by one statement.
    var pairs: [(name: String, value: String)] {
        names.all.enumerated().map { ($1, values.text($0) ?? "") }
    }

    func query(readOnly: Bool) -> Query {
        Query(readOnly ? names.readOnlyText : names.text, values)
    }
}

extension LocalSettings {
    /// The statement for settings of these names: they are in its text, so it is worth keeping.
    package final class Names: Sendable {
        let all: [String]
        let text: String
        let readOnlyText: String

        package init(_ names: [String]) {
            all = names
            let calls = names.enumerated().map { index, name in
                "set_config(\(Self.literal(name)), $\(index + 1), true)"
            }
            text = Self.statement(calls)
            readOnlyText = Self.statement(
                calls + ["set_config('transaction_read_only', 'on', true)"]
            )
        }

        /// A function takes at most 100 arguments (PostgreSQL, `FUNC_MAX_ARGS`).
        private static let callsMax = 100

        /// Nobody reads what `set_config` returns: `num_nulls` makes one number of it, which is
        /// less to describe and to send than a column for each.
        private static func statement(_ calls: [String]) -> String {
            let columns = stride(from: 0, to: calls.count, by: callsMax).map { start in
                let some = calls[start..<min(start + callsMax, calls.count)]
                return "num_nulls(\(some.joined(separator: ", ")))"
            }
            return "SELECT " + columns.joined(separator: ", ")
        }

        private static func literal(_ name: String) -> String {
            var text = name.utf8.contains(UInt8(ascii: "\\")) ? "E'" : "'"
            for character in name {
                if character == "'" || character == "\\" { text.append(character) }
                text.append(character)
            }
            return text + "'"
        }
    }
}
