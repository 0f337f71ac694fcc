// SPDX-License-Identifier: Apache-2.0
import JSONCoding

/// What many operations of the OpenAPI 3.1 document refer to.
enum OpenAPI3Shared {
    /// A name as a component's: those may have few characters (OpenAPI 3.1 §4.8.7). A dot is left
    /// to the components that are no relation's own.
    static func key(_ name: String) -> String {
        QueryEncoding.encoded(name).replacing("%", with: "_").replacing(".", with: "_2E")
            .replacing("~", with: "_7E")
    }

    static func reference(_ place: String, _ name: String) -> JSONValue {
        ["$ref": .string("#/components/\(place)/\(name)")]
    }

    /// What an operation can answer beside its success. PostgreSQL's words are in the body.
    static func refusals(_ more: [String] = []) -> [(String, JSONValue)] {
        let always = ["300", "400", "401", "403", "404", "406", "413", "503", "504"]
        return (always + more).sorted().map { ($0, reference("responses", $0)) }
    }

    static let responses: JSONValue = .object(
        [
            ("300", "The request can mean several things: an embedding, or an overloaded function"),
            ("400", "Something in the request is not understood, or PostgreSQL refuses a value"),
            ("401", "The token is not valid, or a token is needed"),
            ("403", "The token's role may not do this"),
            ("404", "No such relation, function or operator"),
            ("405", "Not with this method"),
            ("406", "No such representation, or not exactly one row where one was asked for"),
            ("409", "A constraint is violated"),
            ("413", "The body is too large"),
            ("416", "No rows where the range begins"),
            ("503", "PostgreSQL cannot be reached, or too many requests wait"),
            ("504", "It took too long"),
        ].map { status, meaning in
            (
                status,
                [
                    "description": .string(meaning),
                    "content": [
                        "application/json": ["schema": reference("schemas", "Lucarne.Problem")]
                    ],
                ]
            )
        }
    )

    static let schemas: [(String, JSONValue)] = [
        (
            "Lucarne.Problem",
            [
                "type": "object",
                "required": ["code", "message"],
                "properties": [
                    "code": [
                        "type": "string", "description": "`PGRST…`, or PostgreSQL's SQLSTATE",
                    ],
                    "message": ["type": "string"],
                    "details": ["description": "More about it, mostly text or null"],
                    "hint": ["type": ["string", "null"]],
                ],
            ]
        ),
        (
            "Lucarne.Filter",
            [
                "type": "string",
                "description": "An operator, a dot and a value: `eq.1`, `not.in.(1,2)`, `is.null`",
                "pattern": .string(
                    "^(not\\.)?((eq|gte?|lte?|i?like|i?match)(\\((any|all)\\))?|neq|isdistinct|in|"
                        + "is|c[sd]|ov|s[lr]|nx[lr]|adj|(pl|ph|w)?fts(\\([^)]+\\))?)\\."
                ),
            ]
        ),
    ]

    private static let texts: [(key: String, name: String, description: String)] = [
        ("select", "select", "Columns, JSON paths, casts, embeddings: `name,size::text,b(*)`"),
        ("order", "order", "`name.desc.nullslast,id`"),
        ("and", "and", "Conditions that all hold: `(a.eq.1,or(b.lt.2,c.is.null))`"),
        ("or", "or", "Conditions of which one holds"),
        ("columns", "columns", "Which members of the body count"),
        ("on_conflict", "on_conflict", "Columns of the unique constraint that an upsert is about"),
    ]

    static let parameters: JSONValue = .object(
        texts.map { key, name, description in
            (key, parameter(name, in: "query", description, ["type": "string"]))
        } + [
            (
                "limit",
                parameter("limit", in: "query", "Rows at most", ["type": "integer", "minimum": 0])
            ),
            (
                "offset",
                parameter("offset", in: "query", "Rows to skip", ["type": "integer", "minimum": 0])
            ),
            (
                "prefer",
                parameter(
                    "Prefer",
                    in: "header",
                    "RFC 7240: `count=`, `return=`, `resolution=`, `missing=`, `handling=`, "
                        + "`max-affected=`, `timezone=`, `tx=`",
                    ["type": "string", "examples": ["return=representation", "count=exact"]]
                )
            ),
            (
                "range",
                parameter("Range", in: "header", "Rows, counted from 0: `0-9`", ["type": "string"])
            ),
        ]
    )

    static func parameter(
        _ name: String,
        in place: String,
        _ description: String?,
        _ schema: JSONValue,
        isRequired: Bool = false
    ) -> JSONValue {
        var members: [(String, JSONValue)] = [("name", .string(name)), ("in", .string(place))]
        if let description { members.append(("description", .string(description))) }
        if isRequired { members.append(("required", true)) }
        return .object(members + [("schema", schema)])
    }

    static let rootPath: JSONValue = [
        "get": .object([
            ("tags", ["Introspection"]), ("operationId", "describe"),
            ("summary", "The description of this API: Swagger 2.0, or this document"),
            (
                "responses",
                .object(
                    [
                        (
                            "200",
                            [
                                "description": "OK",
                                "content": [
                                    "application/openapi+json": [:],
                                    "application/vnd.oai.openapi+json;version=3.1": [:],
                                ],
                            ]
                        )
                    ] + refusals()
                )
            ),
        ])
    ]

    /// Comments may have a first line for lists, and more below it.
    static func words(_ comment: String?, or summary: String) -> [(String, JSONValue)] {
        let text = comment.map(OpenAPIText.init)
        var members: [(String, JSONValue)] = [("summary", .string(text?.summary ?? summary))]
        if let details = text?.details { members.append(("description", .string(details))) }
        return members
    }
}
