// SPDX-License-Identifier: Apache-2.0
import JSONCoding

/// A PostgreSQL type as `row_to_json` writes its values, in the words of JSON Schema 2020-12.
struct SchemaType {
    let postgres: String

    init(_ postgres: String) { self.postgres = postgres }

    /// Nil where a value may have any shape: JSON, composites, types of the user's own.
    var name: String? {
        if isArray { return "array" }
        switch postgres {
        case "boolean": return "boolean"
        case "smallint", "integer", "bigint", "oid": return "integer"
        case "numeric", "real", "double precision": return "number"
        default: return Self.texts.contains(where: postgres.hasPrefix) ? "string" : nil
        }
    }

    private static let texts = [
        "text", "character", "\"char\"", "name", "uuid", "date", "time", "interval", "bytea",
        "inet",
        "cidr", "macaddr", "money", "bit", "xml", "tsvector", "tsquery", "point", "line", "lseg",
        "box", "path", "polygon", "circle", "int4range", "int8range", "numrange", "tsrange",
        "tstzrange", "daterange", "citext",
    ]

    var isArray: Bool { postgres.hasSuffix("[]") }

    /// What JSON Schema has a word for; nil where only PostgreSQL has one.
    private var format: String? {
        switch postgres {
        case "smallint", "integer": "int32"
        case "bigint", "oid": "int64"
        case "real": "float"
        case "double precision": "double"
        case "uuid", "date": postgres
        case "timestamp with time zone": "date-time"
        default: nil
        }
    }

    private var bounds: [(String, JSONValue)] {
        switch postgres {
        case "smallint": [("minimum", -32_768), ("maximum", 32_767)]
        case "integer": [("minimum", -2_147_483_648), ("maximum", 2_147_483_647)]
        case "bigint":
            [("minimum", -9_223_372_036_854_775_808), ("maximum", 9_223_372_036_854_775_807)]
        default: []
        }
    }

    /// The keywords for a value of this type.
    func members(isNullable: Bool, labels: [String] = []) -> [(String, JSONValue)] {
        var members: [(String, JSONValue)] = []
        let type = labels.isEmpty ? name : "string"
        if let type {
            members.append(("type", isNullable ? [.string(type), "null"] : .string(type)))
        }
        if let format { members.append(("format", .string(format))) }
        members += bounds
        if isArray {
            let element = SchemaType(String(postgres.dropLast(2)))
            members.append(("items", .object(element.members(isNullable: true))))
        }
        if !labels.isEmpty {
            let values = labels.map { JSONValue.string($0) } + (isNullable ? [.null] : [])
            members.append(("enum", .array(values)))
        }
        return members + [("x-postgres-type", .string(postgres))]
    }
}
