// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import QueryPlanner

/// The parameters that operations refer to by name.
struct OpenAPIParameters {
    let definitions: [(String, JSONValue)]

    init(_ tables: [Table]) {
        definitions = Self.shared + tables.flatMap(Self.ofTable)
    }

    private static let shared: [(String, JSONValue)] = [
        prefer("preferParams", []),
        prefer("preferReturn", returns),
        prefer("preferCount", ["count=none"]),
        prefer(
            "preferPost",
            returns + ["resolution=ignore-duplicates", "resolution=merge-duplicates"]
        ),
        query("select", "Filtering Columns"),
        query("on_conflict", "On Conflict"),
        query("order", "Ordering"),
        header("range", "Range", "Limiting and Pagination"),
        header("rangeUnit", "Range-Unit", "Limiting and Pagination", [("default", "items")]),
        query("offset", "Limiting and Pagination"),
        query("limit", "Limiting and Pagination"),
    ]

    private static let returns = ["return=representation", "return=minimal", "return=none"]

    private static func prefer(_ key: String, _ values: [String]) -> (String, JSONValue) {
        let more: [(String, JSONValue)] =
            values.isEmpty ? [] : [("enum", .array(values.map { .string($0) }))]
        return header(key, "Prefer", "Preference", more)
    }

    private static func header(
        _ key: String,
        _ name: String,
        _ description: String,
        _ more: [(String, JSONValue)] = []
    ) -> (String, JSONValue) {
        (key, parameter(name, description, in: "header", more))
    }

    private static func query(_ name: String, _ description: String) -> (String, JSONValue) {
        (name, parameter(name, description, in: "query"))
    }

    private static func parameter(
        _ name: String,
        _ description: String?,
        in place: String,
        _ more: [(String, JSONValue)] = []
    ) -> JSONValue {
        var members: [(String, JSONValue)] = [("name", .string(name))]
        if let description { members.append(("description", .string(description))) }
        members += [("required", false), ("in", .string(place)), ("type", "string")]
        return .object(members + more)
    }

    private static func ofTable(_ table: Table) -> [(String, JSONValue)] {
        let name = table.name.name
        let body: JSONValue = [
            "name": .string(name), "description": .string(name), "required": false, "in": "body",
            "schema": ["$ref": .string("#/definitions/" + name)],
        ]
        let filters = table.columns.map { column in
            (
                rowFilter(column, of: table),
                parameter(column.name, column.description, in: "query")
            )
        }
        return [("body." + name, body)] + filters
    }

    static func rowFilter(_ column: Column, of table: Table) -> String {
        "rowFilter.\(table.name.name).\(column.name)"
    }
}
