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

    init(_ request: RestRequest, _ state: RestState) throws(PlannerFailure) {
        self.request = request
        self.state = state
        guard request.terms.accepted.contains(where: { [.openAPI, .json, .any].contains($0) })
        else {
            throw .mediaTypesUnavailable(request.terms.accepted.map(\.name))
        }
    }

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
            SELECT json_agg(c.relname) FROM pg_catalog.pg_class c, place
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
        let body = isHeadersOnly ? RestReply.Body.none : .bytes(document(answer).bytes)
        var headers: HeaderFields = ["Content-Type": MediaType.openAPI.contentType]
        if request.terms.namesSchema {
            headers.append("Content-Profile", request.terms.schema)
        }
        return RestReply(status: 200, headers: headers, body: body)
    }

    private func document(_ answer: RestAnswer) -> OpenAPIDocument {
        let found = try? JSONValue(parsing: answer.body.copied)
        var tables = state.catalog.tables.values.filter { $0.name.schema == request.terms.schema }
        var routines = state.routines.filter { $0.value.name.schema == request.terms.schema }
        let path = [request.terms.schema] + state.settings.extraSearchPath
        if state.settings.openAPIMode == .followPrivileges {
            let names = Set(found?["tables"]?.array?.compactMap(\.string) ?? [])
            tables.removeAll { !names.contains($0.name.name) }
            let identifiers = Set(found?["functions"]?.array?.compactMap(\.int) ?? [])
            // Types as they are called under the request's own search path.
            routines = routines.filter { identifiers.contains($0.key) }
                .mapValues { $0.calling(typesFrom: path) }
        }
        return OpenAPIDocument(
            tables: tables,
            routines: Array(routines.values),
            catalog: state.catalog,
            comment: found?["comment"]?.string,
            settings: state.settings
        )
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
