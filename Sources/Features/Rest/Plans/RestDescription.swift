// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import LucarneCore
import PostgresClient
import QueryPlanner

/// The API described for who is asking.
struct RestDescription {
    private let request: RestRequest
    private let state: RestState
    /// OpenAPI 3.1; else the dialect's Swagger 2.0.
    private let isCurrent: Bool
    private let mediaType: MediaType

    init(_ request: RestRequest, _ state: RestState) throws(PlannerFailure) {
        self.request = request
        self.state = state
        var isDocument = false
        if case .describeSchema(_, asDocument: true) = request.terms.action { isDocument = true }
        // The document at a path of its own is no part of the dialect.
        if !isDocument { try request.checkQuery() }
        let accepted = request.terms.accepted
        guard let wanted = accepted.first(where: { Self.offered.contains($0) || $0.isOpenAPI3 })
        else { throw .mediaTypesUnavailable(accepted.map(\.name)) }
        isCurrent = isDocument || wanted.isOpenAPI3
        mediaType = wanted.isOpenAPI3 ? .openAPI3 : isDocument ? .json : .openAPI
    }

    private static let offered: Set<MediaType> = [.openAPI, .json, .any]

    func transaction(for identity: Identity) -> RestTransaction {
        var transaction = RestTransaction(request.terms, request.message, identity, state)
        transaction.statement = Query(Self.accessible, texts: [request.terms.schema])
        return transaction
    }

    /// What the current role may use in some way, as the body of an answer.
    private static let accessible = """
        WITH place AS (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = $1)
        SELECT NULL::bigint, 0, json_build_object(
          'tables', (
            SELECT json_object_agg(c.relname,
              (has_any_column_privilege(c.oid, 'SELECT'))::int
              + 2 * (has_any_column_privilege(c.oid, 'INSERT'))::int
              + 4 * (has_any_column_privilege(c.oid, 'UPDATE'))::int
              + 8 * (has_table_privilege(c.oid, 'DELETE'))::int)
            FROM pg_catalog.pg_class c, place
            WHERE c.relnamespace = place.oid AND c.relkind IN ('v', 'r', 'm', 'f', 'p')
              AND NOT c.relispartition
              AND (pg_has_role(c.relowner, 'USAGE')
                OR has_table_privilege(c.oid,
                  'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))),
          'functions', (
            SELECT json_agg(p.oid::bigint) FROM pg_catalog.pg_proc p, place
            WHERE p.pronamespace = place.oid AND has_function_privilege(p.oid, 'EXECUTE')),
          'comment', (SELECT obj_description(place.oid, 'pg_namespace') FROM place)),
          NULL::text, NULL::text, ''::text
        """

    func reply(to answer: RestAnswer, isHeadersOnly: Bool) -> RestReply {
        let body = isHeadersOnly ? RestReply.Body.none : .bytes(document(answer))
        var headers: HeaderFields = ["Content-Type": mediaType.contentType]
        if request.terms.namesSchema {
            headers.append("Content-Profile", request.terms.schema)
        }
        return RestReply(status: 200, headers: headers, body: body)
    }

    private func document(_ answer: RestAnswer) -> [UInt8] {
        let found = try? JSONValue(parsing: answer.body.copied)
        var tables = state.catalog.tables.values.filter { $0.name.schema == request.terms.schema }
        var routines = state.routines.filter { $0.value.name.schema == request.terms.schema }
        let path = [request.terms.schema] + state.settings.extraSearchPath
        var privileges: [String: TablePrivileges]?
        if state.settings.openAPIMode == .followPrivileges {
            let rights = Self.privileges(found)
            privileges = rights
            tables.removeAll { rights[$0.name.name] == nil }
            let identifiers = Set(found?["functions"]?.array?.compactMap(\.int) ?? [])
            // Types as they are called under the request's own search path.
            routines = routines.filter { identifiers.contains($0.key) }
                .mapValues { $0.calling(typesFrom: path) }
        }
        let comment = found?["comment"]?.string
        guard isCurrent else {
            return OpenAPIDocument(
                tables: tables,
                routines: Array(routines.values),
                catalog: state.catalog,
                comment: comment,
                settings: state.settings
            ).bytes
        }
        return OpenAPI3Document(
            tables: tables.map { ($0, privileges?[$0.name.name] ?? .all) },
            routines: Array(routines.values),
            catalog: state.catalog,
            comment: comment,
            settings: state.settings
        ).bytes
    }

    private static func privileges(_ found: JSONValue?) -> [String: TablePrivileges] {
        var privileges: [String: TablePrivileges] = [:]
        for (name, rights) in found?["tables"]?.members ?? [] {
            privileges[name] = TablePrivileges(rawValue: rights.int ?? 0)
        }
        return privileges
    }
}

extension MediaType {
    /// The type that the OpenAPI Initiative uses for JSON documents of this version.
    fileprivate static let openAPI3 = MediaType.other(
        "application/vnd.oai.openapi+json;version=3.1"
    )

    /// Without a version, the newest.
    fileprivate var isOpenAPI3: Bool {
        guard case .other(let name) = self else { return false }
        let parts = name.lowercased().split(separator: ";").map { $0.trimmingBlanks() }
        guard parts.first == "application/vnd.oai.openapi+json" else { return false }
        return parts.dropFirst().allSatisfy {
            !$0.hasPrefix("version=") || $0.hasPrefix("version=3.1")
        }
    }
}

extension Routine {
    /// The same with the types of `schemas` by their bare names.
    fileprivate func calling(typesFrom schemas: [String]) -> Routine {
        let prefixes = schemas.flatMap { [$0 + ".", QualifiedName("", $0).quoted + "."] }
        return Routine(
            name: name,
            description: description,
            parameters: parameters.map { parameter in
                let prefix = prefixes.first { parameter.type.hasPrefix($0) } ?? ""
                return RoutineParameter(
                    name: parameter.name,
                    type: String(parameter.type.dropFirst(prefix.count)),
                    isRequired: parameter.isRequired,
                    isVariadic: parameter.isVariadic
                )
            },
            shape: shape,
            returnsSet: returnsSet,
            volatility: volatility,
            hasVariadic: hasVariadic
        )
    }
}
