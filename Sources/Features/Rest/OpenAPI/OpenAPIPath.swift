// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import QueryPlanner

/// What can be done at the path of a table or of a function.
enum OpenAPIPath {
    static func of(_ table: Table) -> JSONValue {
        let name = table.name.name
        let filters = table.columns.map { OpenAPIParameters.rowFilter($0, of: table) }
        let body = "body." + name
        let rows: JSONValue = [
            "description": "OK",
            "schema": ["type": "array", "items": ["$ref": .string("#/definitions/" + name)]],
        ]
        let pages = ["select", "order", "range", "rangeUnit", "offset", "limit", "preferCount"]
        var members = [
            (
                "get",
                operation(
                    table,
                    filters + pages,
                    ["200": rows, "206": ["description": "Partial Content"]]
                )
            )
        ]
        guard table.isInsertable || table.isUpdatable || table.isDeletable else {
            return .object(members)
        }
        let done: JSONValue = ["204": ["description": "No Content"]]
        members += [
            (
                "post",
                operation(
                    table,
                    [body, "select", "preferPost"],
                    ["201": ["description": "Created"]]
                )
            ),
            ("delete", operation(table, filters + ["preferReturn"], done)),
            ("patch", operation(table, filters + [body, "preferReturn"], done)),
        ]
        return .object(members)
    }

    private static func operation(
        _ table: Table,
        _ parameters: [String],
        _ responses: JSONValue
    ) -> JSONValue {
        var members: [(String, JSONValue)] = [("tags", [.string(table.name.name)])]
        members += words(table.description)
        let references = parameters.map { name -> JSONValue in
            ["$ref": .string("#/parameters/" + name)]
        }
        return .object(members + [("parameters", .array(references)), ("responses", responses)])
    }

    private static func words(_ comment: String?) -> [(String, JSONValue)] {
        guard let text = comment.map(OpenAPIText.init) else { return [] }
        let details = text.details.map { [("description", JSONValue.string($0))] } ?? []
        return [("summary", .string(text.summary))] + details
    }

    static func of(_ routine: Routine) -> JSONValue {
        let post: [JSONValue] = [
            ["in": "body", "name": "args", "required": true, "schema": schema(of: routine)],
            ["$ref": "#/parameters/preferParams"],
        ]
        let posting = ("post", call(routine, post))
        guard routine.volatility != .volatile else { return .object([posting]) }
        return .object([("get", call(routine, routine.parameters.map(argument))), posting])
    }

    private static func call(_ routine: Routine, _ parameters: [JSONValue]) -> JSONValue {
        var members: [(String, JSONValue)] = [
            ("tags", [.string("(rpc) " + routine.name.name)])
        ]
        members += words(routine.description)
        members += [
            (
                "produces",
                [
                    "application/json", "application/vnd.pgrst.object+json;nulls=stripped",
                    "application/vnd.pgrst.object+json",
                ]
            ),
            ("responses", ["200": ["description": "OK"]]),
        ]
        if !parameters.isEmpty { members.append(("parameters", .array(parameters))) }
        return .object(members)
    }

    private static func schema(of routine: Routine) -> JSONValue {
        var members: [(String, JSONValue)] = [("type", "object")]
        if let description = routine.description {
            members.append(("description", .string(description)))
        }
        let required = routine.parameters.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { members.append(("required", .array(required))) }
        let properties = routine.parameters.map { parameter in
            (parameter.name, JSONValue.object(SwaggerType(parameter.type).members))
        }
        if !properties.isEmpty { members.append(("properties", .object(properties))) }
        return .object(members)
    }

    private static func argument(_ parameter: RoutineParameter) -> JSONValue {
        let type = SwaggerType(parameter.type)
        let members: [(String, JSONValue)] = [
            ("name", .string(parameter.name)), ("required", .bool(parameter.isRequired)),
            ("in", "query"),
        ]
        guard parameter.isVariadic else {
            // Arrays are one value, written `{1,2}`; a type must be named in any case.
            let name = type.isArray ? "string" : type.name ?? "string"
            return .object(
                members + [("format", .string(type.format)), ("type", .string(name))]
            )
        }
        var items: [(String, JSONValue)] = [("format", .string(type.element.format))]
        if let name = type.element.name { items.append(("type", .string(name))) }
        return .object(
            members + [
                ("type", .string(type.name ?? "string")), ("items", .object(items)),
                ("collectionFormat", "multi"),
            ]
        )
    }
}
