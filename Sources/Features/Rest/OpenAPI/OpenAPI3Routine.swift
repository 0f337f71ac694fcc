// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import QueryPlanner

/// What can be done at the path of a function: all overloads of a name together.
struct OpenAPI3Routine {
    private let overloads: [Routine]

    init(_ overloads: [Routine]) { self.overloads = overloads }

    var operations: [(String, JSONValue)] {
        let isRead = overloads.contains { $0.volatility != .volatile }
        let get = isRead ? [("get", operation("get", arguments + Self.shaping, body: nil))] : []
        return get + [("post", operation("post", Self.shaping, body: body))]
    }

    private static let shaping = ["select", "order", "limit", "offset", "prefer"].map {
        OpenAPI3Shared.reference("parameters", $0)
    }

    private func operation(
        _ method: String,
        _ parameters: [JSONValue],
        body: JSONValue?
    ) -> JSONValue {
        let name = overloads[0].name.name
        var members: [(String, JSONValue)] = [
            ("tags", ["functions"]),
            ("operationId", .string("rpc.\(OpenAPI3Shared.key(name)).\(method)")),
        ]
        members += OpenAPI3Shared.words(overloads.compactMap(\.description).first, or: name)
        members.append(("parameters", .array(parameters)))
        if let body { members.append(("requestBody", body)) }
        let result: JSONValue = [
            "description": "What the function returns",
            "content": ["application/json": [:], "text/csv": ["schema": ["type": "string"]]],
        ]
        let answers: [(String, JSONValue)] = [
            ("200", result), ("204", ["description": "It returns nothing"]), ("206", result),
        ]
        let refusals = OpenAPI3Shared.refusals(["405", "409", "416"])
        return .object(members + [("responses", .object(answers + refusals))])
    }

    /// Those of all overloads; required is what every one of them requires.
    private var arguments: [JSONValue] {
        var seen: [String] = []
        for routine in overloads {
            for parameter in routine.parameters
            where !parameter.name.isEmpty && !seen.contains(parameter.name) {
                seen.append(parameter.name)
            }
        }
        return seen.map { name in
            let found = overloads.compactMap { $0.parameters.first { $0.name == name } }
            let isRequired = found.count == overloads.count && found.allSatisfy(\.isRequired)
            let schema: JSONValue =
                found.count == 1 && !found[0].isVariadic ? Self.plain(found[0].type) : [:]
            return OpenAPI3Shared.parameter(
                name,
                in: "query",
                found.map(\.type).joined(separator: " or "),
                schema,
                isRequired: isRequired
            )
        }
    }

    /// In a query, arrays and composites are PostgreSQL's literals.
    private static func plain(_ type: String) -> JSONValue {
        let schema = SchemaType(type)
        guard !schema.isArray, schema.name != nil else { return ["type": "string"] }
        return .object(schema.members(isNullable: false))
    }

    private var body: JSONValue {
        let schemas = overloads.map(Self.schema)
        return [
            "content": [
                "application/json": [
                    "schema": schemas.count == 1 ? schemas[0] : ["anyOf": .array(schemas)]
                ]
            ]
        ]
    }

    private static func schema(of routine: Routine) -> JSONValue {
        // One parameter without a name is the body itself.
        guard routine.parameters.count != 1 || !routine.parameters[0].name.isEmpty else {
            return [:]
        }
        let required = routine.parameters.filter(\.isRequired).map { JSONValue.string($0.name) }
        let properties = routine.parameters.map { parameter in
            (
                parameter.name,
                JSONValue.object(SchemaType(parameter.type).members(isNullable: true))
            )
        }
        return [
            "type": "object", "required": .array(required), "properties": .object(properties),
            "additionalProperties": false,
        ]
    }
}
