// SPDX-License-Identifier: Apache-2.0
package import LucarneCore
package import Persistence
import PostgresClient
import QueryPlanner

/// Runs what requests ask of the database.
package struct RestRepository: Sendable {
    private let database: Database
    private let places: RestPlaces

    /// `listsMaxALoop`: how many long lists may be on their way at once.
    package init(database: Database, listsMaxALoop: Int = 4) {
        self.database = database
        places = RestPlaces(aLoop: listsMaxALoop)
    }

    /// One transaction, one row of answer.
    package func perform(
        _ request: RestTransaction,
        in context: RequestContext
    ) async throws(Problem) -> RestAnswer {
        let transaction = Transaction(request)
        let results = try await database.perform(transaction, in: context) {
            results throws(Problem) in
            guard let check = request.check else { return }
            try check(Self.answer(results, request))
        }
        let answer = Self.answer(results, request)
        // Where nothing stays, or nothing was changed, the end does not wait for the check.
        if case .commit = transaction.ending { try request.check?(answer) }
        return answer
    }

    /// Rows from a cursor: counted, and then one by one. Those that turn out to be few are
    /// answered in one piece.
    package func list(
        _ list: RestTransaction.RestList,
        of request: RestTransaction,
        in context: RequestContext
    ) async throws(Problem) -> RestAnswer {
        let place = list.count == nil ? nil : try places.take()
        var transaction = Transaction(request)
        transaction.ending = .open
        // One snapshot for the count and for all rows (PostgreSQL §13.2.2).
        if list.count != nil { transaction.isolation = request.isolation ?? "REPEATABLE READ" }
        transaction.statements = list.statements
        transaction.rows = .fetched
        let open = try await database.open(transaction, in: context)
        guard open.results.count == transaction.statements.count, let first = open.results.last
        else { throw Problem(.internalFailure, code: "XX000", "a list without its results") }
        var answer = RestAnswer(open.results[list.answerIndex], isWrite: false, isBinary: false)
        if list.count == nil {
            answer.pageTotal = open.results[RestTransaction.RestList.passIndex].affectedCount ?? 0
        }
        let cursor = RestCursor(open, first, list, startingWith: answer.body.copied, in: place)
        if list.count == nil, cursor.expectedBytes(of: answer.pageTotal) <= RowWeight.answerBytesMax
        {
            answer.body = .bytes(try await cursor.all())
        } else {
            if place == nil { try await cursor.take(places) }
            answer.body = .pieces(cursor)
        }
        return answer
    }

    private static func answer(
        _ results: [QueryResult],
        _ request: RestTransaction
    ) -> RestAnswer {
        guard let result = results.first else { return RestAnswer() }
        switch request.shape {
        case .plan: return RestAnswer(planLines: result)
        case .answer(let isWrite):
            guard result.rowCount > 0 else { return RestAnswer() }
            var answer = RestAnswer(
                result,
                isWrite: isWrite,
                isBinary: request.statement.wantsBinaryResult
            )
            if request.countPlan != nil, results.count > 1 {
                answer.plannedTotal = PlannedRows.read(results[1])
            }
            return answer
        }
    }
}

extension RestTransaction.RestList {
    // All rows will be wanted, not the first tenth soon (PostgreSQL §20.7.4).
    private static let whole = Query("SET LOCAL cursor_tuple_fraction = 1")

    fileprivate var statements: [Query] {
        let fetch = RestCursor.fetch(rowsFirst)
        guard let count else {
            return [
                Self.whole, cursor, Query("MOVE FORWARD ALL IN \(RestCursor.name)"),
                Query("MOVE ABSOLUTE 0 IN \(RestCursor.name)"), Query(CallPlan.settingsSQL()),
                fetch,
            ]
        }
        return [count, Self.whole, cursor, fetch]
    }

    /// Which of their results has what the response needs beside the rows.
    fileprivate var answerIndex: Int { count == nil ? 4 : 0 }

    /// Which passes over all rows, where none counts them.
    fileprivate static let passIndex = 2
}

extension Transaction {
    fileprivate init(_ request: RestTransaction) {
        var statements = [request.statement]
        if let countPlan = request.countPlan { statements.append(countPlan) }
        if request.rollsBack {
            // What a commit would refuse must be refused although nothing is committed.
            statements.append(Query("SET CONSTRAINTS ALL IMMEDIATE"))
        }
        self.init(
            summary: request.summary,
            access: request.isReadOnly ? .readOnly : .readWrite,
            isolation: request.isolation,
            settings: request.settings,
            preparation: request.preRequest.map { [Query("SELECT \($0.quoted)()")] } ?? [],
            statements: statements,
            ending: request.rollsBack
                ? .rollback : request.check != nil && !request.isReadOnly ? .commitUnless : .commit,
            sharing: request.sharing
        )
        schema = request.schema
        guard case .answer = request.shape else { return }
        // PostgreSQL makes one row of them, and says of how many. What is too much for one answer
        // becomes a list, which is a statement of its own.
        rows = .told(
            index: 0,
            column: ResultColumn.pageTotal.index(),
            unless: request.cut.map {
                Excess(over: $0, leftOutColumn: ResultColumn.leftOut.index())
            }
        )
    }
}

extension RestAnswer {
    fileprivate init(_ result: QueryResult, isWrite: Bool, isBinary: Bool) {
        func text(_ column: ResultColumn) -> String? {
            result.string(0, column.index(isWrite: isWrite))
        }
        func number(_ column: ResultColumn) -> Int? {
            result.integer(0, column.index(isWrite: isWrite))
        }
        tableTotal = number(.totalResultSet)
        pageTotal = number(.pageTotal) ?? 0
        responseHeaders = text(.responseHeaders)
        responseStatus = text(.responseStatus)
        if isWrite { insertedCount = number(.responseInserted) }
        if !isWrite { leftOutCount = number(.leftOut) ?? 0 }
        if isWrite, !isBinary {
            location = PostgresArray.texts(result.string(0, ResultColumn.locationIndex) ?? "{}")
        }
        body = .answer(ResultCell(result, column: ResultColumn.body.index(isWrite: isWrite)))
    }

    /// EXPLAIN prints a row for each line, or one row of JSON.
    fileprivate init(planLines result: QueryResult) {
        self.init()
        var text: [UInt8] = []
        for row in 0..<result.rowCount {
            text.append(contentsOf: (result.string(row, 0) ?? "").utf8)
            text.append(UInt8(ascii: "\n"))
        }
        body = .bytes(text)
    }
}
