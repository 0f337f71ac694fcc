// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import QueryPlanner

/// What can be done at the path of a relation, by someone with these privileges.
struct OpenAPI3Table {
    private let table: Table
    private let privileges: TablePrivileges
    private let references: OpenAPIReferences
    private let key: String

    init(_ table: Table, _ privileges: TablePrivileges, _ references: OpenAPIReferences) {
        self.table = table
        self.privileges = privileges
        self.references = references
        key = OpenAPI3Shared.key(table.name.name)
    }

    var operations: [(String, JSONValue)] {
        var operations: [(String, JSONValue)] = []
        if privileges.contains(.select) { operations.append(("get", read)) }
        if privileges.contains(.insert), table.isInsertable { operations.append(("post", insert)) }
        if privileges.isSuperset(of: [.insert, .update]), table.isInsertable, table.isUpdatable,
            !table.primaryKey.isEmpty
        {
            operations.append(("put", upsert))
        }
        if privileges.contains(.update), table.isUpdatable {
            operations.append(("patch", update))
        }
        if privileges.contains(.delete), table.isDeletable {
            operations.append(("delete", delete))
        }
        return operations
    }

    private var read: JSONValue {
        operation(
            "get",
            "Read rows",
            filters + named("select", "order", "limit", "offset", "and", "or", "prefer", "range"),
            success: ["200": rows("OK"), "206": rows("Some of the rows")],
            refusals: ["416"]
        )
    }

    private var insert: JSONValue {
        operation(
            "post",
            "Insert rows, or upsert them (`Prefer: resolution=merge-duplicates`)",
            named("select", "columns", "on_conflict", "prefer"),
            body: body(isList: true),
            success: ["200": rows("Only updated"), "201": rows("Inserted")],
            refusals: ["409", "416"]
        )
    }

    private var upsert: JSONValue {
        let keys = table.primaryKey.map { column in
            OpenAPI3Shared.parameter(
                column,
                in: "query",
                "The row's key: `eq.` and the value",
                ["type": "string", "pattern": "^eq\\."],
                isRequired: true
            )
        }
        return operation(
            "put",
            "Insert the row with this key, or replace it",
            keys + named("select", "prefer"),
            body: body(isList: false),
            success: ["200": rows("Replaced"), "201": rows("Inserted"), "204": Self.done],
            refusals: ["405", "409", "416"]
        )
    }

    private var update: JSONValue {
        operation(
            "patch",
            "Update the rows that the filters find",
            filters + named("select", "and", "or", "columns", "prefer"),
            body: body(isList: false, isWhole: false),
            success: ["200": rows("Updated"), "204": Self.done],
            refusals: ["409", "416"]
        )
    }

    private var delete: JSONValue {
        operation(
            "delete",
            "Delete the rows that the filters find",
            filters + named("select", "and", "or", "prefer"),
            success: ["200": rows("Deleted"), "204": Self.done],
            refusals: ["409", "416"]
        )
    }

    private func operation(
        _ method: String,
        _ summary: String,
        _ parameters: [JSONValue],
        body: JSONValue? = nil,
        success: JSONValue,
        refusals: [String]
    ) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("tags", [.string(table.name.name)]), ("operationId", .string("\(key).\(method)")),
            ("summary", .string(summary)),
        ]
        if method == "get" {
            let embeds = references.embeddable.map { "`\($0)`" }.joined(separator: ", ")
            let parts = [table.description, embeds.isEmpty ? nil : "Can embed: \(embeds)."]
            let text = parts.compactMap(\.self).joined(separator: "\n\n")
            if !text.isEmpty { members.append(("description", .string(text))) }
        }
        members.append(("parameters", .array(parameters)))
        if let body { members.append(("requestBody", body)) }
        let answers = (success.members ?? []) + OpenAPI3Shared.refusals(refusals)
        return .object(members + [("responses", .object(answers))])
    }

    private func named(_ names: String...) -> [JSONValue] {
        names.map { OpenAPI3Shared.reference("parameters", $0) }
    }

    private static let reserved: Set<String> = [
        "select", "order", "limit", "offset", "and", "or", "columns", "on_conflict",
    ]

    private var filters: [JSONValue] {
        table.columns.filter { !Self.reserved.contains($0.name) }.map { column in
            OpenAPI3Shared.parameter(
                column.name,
                in: "query",
                column.description,
                OpenAPI3Shared.reference("schemas", "Lucarne.Filter")
            )
        }
    }

    private func rows(_ description: String) -> JSONValue {
        let row = OpenAPI3Shared.reference("schemas", key)
        return [
            "description": .string(description),
            "headers": [
                "Content-Range": [
                    "description": "Which rows, and of how many: `0-9/*`",
                    "schema": ["type": "string"],
                ]
            ],
            // `select` may add to a row, and leave out of it.
            "content": [
                "application/json": ["schema": ["type": "array", "items": row]],
                "application/vnd.pgrst.object+json": ["schema": row],
                "text/csv": ["schema": ["type": "string"]],
            ],
        ]
    }

    private static let done: JSONValue = ["description": "Done, and nothing to say"]

    /// `isWhole`: what has no default must be there.
    private func body(isList: Bool, isWhole: Bool = true) -> JSONValue {
        let row = OpenAPI3Shared.reference("schemas", isWhole ? key + ".new" : key)
        let list: JSONValue = ["type": "array", "items": row]
        return [
            "required": true,
            "content": [
                "application/json": ["schema": isList ? ["oneOf": [row, list]] : row],
                "text/csv": ["schema": ["type": "string"]],
            ],
        ]
    }
}
