// SPDX-License-Identifier: Apache-2.0
package import EventLoop
import LucarneCore
package import Persistence
import PostgresClient

/// Asks the database what it holds and how it wants to be served. One transaction each, read only;
/// rows are taken out of libpq's memory away from the loops, which have requests to serve.
package struct CatalogRepository: Sendable {
    private let database: Database
    private let blocking: BlockingPool

    package init(database: Database, blocking: BlockingPool) {
        self.database = database
        self.blocking = blocking
    }

    /// Everything `CatalogLoader` wants.
    func source(
        _ settings: RestSettings,
        in context: RequestContext
    ) async throws(Problem) -> CatalogSource {
        let schemas = PostgresArray.literal(settings.schemas)
        let extra = PostgresArray.literal(settings.extraSearchPath)
        let hoisted = PostgresArray.literal(settings.hoistedSettings)
        let rows = try await rows(
            of: [
                Query(CatalogQueries.relations, texts: [schemas]),
                Query(CatalogQueries.columns, texts: [schemas]),
                Query(CatalogQueries.types, texts: [schemas]),
                Query(CatalogQueries.enumLabels),
                Query(CatalogQueries.constraints),
                Query(CatalogQueries.viewRules, texts: [schemas, extra]),
                Query(CatalogQueries.routines, texts: [schemas]),
                Query(CatalogQueries.routineParameters, texts: [schemas]),
                Query(CatalogQueries.routineSettings, texts: [schemas, hoisted]),
                Query(CatalogQueries.computedRelationships, texts: [schemas]),
                Query(CatalogQueries.representations),
                Query(CatalogQueries.mediaHandlers, texts: [schemas]),
            ],
            in: context
        )
        return CatalogSource(
            relations: rows[0],
            columns: rows[1],
            types: rows[2],
            enumLabels: rows[3],
            constraints: rows[4],
            viewRules: rows[5],
            routines: rows[6],
            routineParameters: rows[7],
            routineSettings: rows[8],
            computedRelationships: rows[9],
            representations: rows[10],
            mediaHandlers: rows[11]
        )
    }

    /// `pgrst.…` settings of the connecting role: name without prefix, value.
    func settings(
        _ settings: RestSettings,
        in context: RequestContext
    ) async throws(Problem) -> CatalogRows {
        let names = PostgresArray.literal(RestSettings.databaseNames)
        let setUp = settings.preConfig.map { Query("SELECT \($0.quoted)()") }
        let usesFunction = setUp == nil ? "false" : "true"
        return try await rows(
            of: [Query(ConfigurationQueries.settings, texts: [names, usesFunction])],
            after: setUp,
            in: context
        )[0]
    }

    /// Role, setting, value.
    func roles(in context: RequestContext) async throws(Problem) -> CatalogRows {
        try await rows(of: [Query(ConfigurationQueries.roles)], in: context)[0]
    }

    private func rows(
        of queries: [Query],
        after preparation: Query? = nil,
        in context: RequestContext
    ) async throws(Problem) -> [CatalogRows] {
        var transaction = Transaction(
            summary: "INTROSPECT catalog",
            access: .readOnly,
            statements: queries.map { Query($0.sql, $0.parameters, isPrepared: false) }
        )
        // A function of the user is called as they would call it: names found on their own path.
        let path = preparation == nil ? [("search_path", "")] : []
        transaction.settings = LocalSettings(path + [("jit", "off"), ("work_mem", "64MB")])
        transaction.preparation = preparation.map { [$0] } ?? []
        let results = try await database.perform(transaction, in: context)
        do {
            return try await blocking.run { results.map(CatalogRows.init) }
        } catch {
            throw Problem(.overloaded, code: "PGRST002", "The catalog cannot be read now.")
        }
    }

    /// Runs work off the loops.
    func apart<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value
    ) async throws(Problem) -> Value {
        do { return try await blocking.run(work) } catch {
            throw Problem(.overloaded, code: "PGRST002", "The catalog cannot be read now.")
        }
    }
}

extension CatalogRows {
    fileprivate init(_ result: QueryResult) {
        var cells: [String?] = []
        cells.reserveCapacity(result.rowCount * result.columnCount)
        for row in 0..<result.rowCount {
            for column in 0..<result.columnCount { cells.append(result.string(row, column)) }
        }
        self.init(width: max(result.columnCount, 1), cells: cells)
    }
}
