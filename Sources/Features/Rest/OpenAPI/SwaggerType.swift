// SPDX-License-Identifier: Apache-2.0
import JSONCoding

/// A PostgreSQL type in the words of Swagger 2.0.
struct SwaggerType {
    let postgres: String

    init(_ postgres: String) { self.postgres = postgres }

    /// Nil where a value may have any shape.
    var name: String? {
        switch postgres {
        case "boolean": "boolean"
        case "smallint", "integer", "bigint": "integer"
        case "numeric", "real", "double precision": "number"
        case "json", "jsonb": nil
        default: isArray ? "array" : "string"
        }
    }

    var isArray: Bool { postgres.hasSuffix("[]") }

    var element: SwaggerType { SwaggerType(String(postgres.dropLast(2))) }

    var format: String {
        switch postgres {
        case "smallint", "integer": "int32"
        case "bigint": "int64"
        default: postgres
        }
    }

    /// `type`, `format` and, of an array, `items`.
    var members: [(String, JSONValue)] {
        var members: [(String, JSONValue)] = [("format", .string(format))]
        if let name { members.append(("type", .string(name))) }
        if isArray {
            let items = element.name.map { [("type", JSONValue.string($0))] } ?? []
            members.append(("items", .object(items)))
        }
        return members
    }

    /// A default as a value of this type, if its SQL is as simple as that.
    func defaultValue(_ expression: String) -> JSONValue? {
        guard name == "string" else { return try? JSONValue(parsing: Array(expression.utf8)) }
        let suffix = "::" + postgres
        var text = expression[...]
        if text.hasSuffix(suffix) {
            text = text.dropLast(suffix.count)
            text = text.drop { $0 == "'" }
            while text.last == "'" { text.removeLast() }
        }
        // What would have to be escaped is SQL rather than a value.
        return try? JSONValue(parsing: Array("\"\(text)\"".utf8))
    }
}
