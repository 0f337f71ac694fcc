// SPDX-License-Identifier: Apache-2.0
import JSONCoding
package import QueryPlanner

/// The API as an OpenAPI 3.1 document, for tools that have left Swagger 2.0 behind. It says which
/// statuses there are, and shows each role the operations that its privileges allow.
package struct OpenAPI3Document {
    private let tables: [(table: Table, privileges: TablePrivileges)]
    private let routines: [[Routine]]
    private let catalog: Catalog
    private let comment: String?
    private let settings: RestSettings

    package init(
        tables: [(table: Table, privileges: TablePrivileges)],
        routines: [Routine],
        catalog: Catalog,
        comment: String?,
        settings: RestSettings
    ) {
        self.tables = tables.sorted { $0.table.name < $1.table.name }
        // Overloads share a path, and so an operation.
        self.routines = Dictionary(grouping: routines, by: \.name).sorted { $0.key < $1.key }
            .map(\.value)
        self.catalog = catalog
        self.comment = comment
        self.settings = settings
    }

    package var bytes: [UInt8] {
        // Every database's `public` says that of itself.
        let title = comment.flatMap { $0 == "standard public schema" ? nil : OpenAPIText($0) }
        var description = "Tables and functions of a PostgreSQL database, in PostgREST's dialect."
        if let details = title?.details { description = details }
        let document: JSONValue = [
            "openapi": "3.1.0",
            "info": [
                "title": .string(title?.summary ?? "REST"),
                "description": .string(description),
                "version": .string(RestVersion.dialect),
            ],
            "servers": [["url": .string(server)]],
            // Who shows no token asks as the anonymous role.
            "security": [[:], ["bearer": []]],
            "paths": .object(paths),
            "components": [
                "securitySchemes": [
                    "bearer": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"]
                ],
                "parameters": OpenAPI3Shared.parameters,
                "responses": OpenAPI3Shared.responses,
                "schemas": .object(OpenAPI3Shared.schemas + tables.flatMap { schemas($0.table) }),
            ],
        ]
        return document.compactBytes
    }

    /// Relative to where this document was found, unless a proxy is named.
    private var server: String {
        settings.openAPIServerProxyURI ?? settings.path
    }

    private var paths: [(String, JSONValue)] {
        var paths: [(String, JSONValue)] = [("/", OpenAPI3Shared.rootPath)]
        for (table, privileges) in tables {
            let references = OpenAPIReferences(of: table, in: catalog)
            let operations = OpenAPI3Table(table, privileges, references).operations
            paths.append(("/" + QueryEncoding.encoded(table.name.name), .object(operations)))
        }
        for overloads in routines {
            let name = QueryEncoding.encoded(overloads[0].name.name)
            paths.append(("/rpc/" + name, .object(OpenAPI3Routine(overloads).operations)))
        }
        return paths
    }

    /// A row as it is read, and one as it is written.
    private func schemas(_ table: Table) -> [(String, JSONValue)] {
        let key = OpenAPI3Shared.key(table.name.name)
        let references = OpenAPIReferences(of: table, in: catalog)
        var row: [(String, JSONValue)] = [("type", "object")]
        if let description = table.description {
            row.append(("description", .string(description)))
        }
        let properties = table.columns.map { column in
            (column.name, property(column, of: table, references))
        }
        row.append(("properties", .object(properties)))
        let written = table.columns.filter { !$0.isGenerated }
        let required = written.filter {
            !$0.isNullable && $0.defaultExpression == nil && !$0.isIdentity
        }
        let new: JSONValue = [
            "type": "object",
            "required": .array(required.map { .string($0.name) }),
            "properties": .object(
                properties.filter { name, _ in written.contains { $0.name == name } }
            ),
            "additionalProperties": false,
        ]
        return [(key, .object(row)), (key + ".new", new)]
    }

    private func property(
        _ column: Column,
        of table: Table,
        _ references: OpenAPIReferences
    ) -> JSONValue {
        var members = SchemaType(column.type)
            .members(isNullable: column.isNullable, labels: column.enumLabels)
        if let text = column.description { members.append(("description", .string(text))) }
        if let length = column.charactersMax { members.append(("maxLength", .number("\(length)"))) }
        if table.primaryKey.contains(column.name) { members.append(("x-primary-key", true)) }
        if let reference = references.columns[column.name] {
            members.append(
                (
                    "x-references",
                    ["table": .string(reference.table), "column": .string(reference.column)]
                )
            )
        }
        return .object(members)
    }
}
