// SPDX-License-Identifier: Apache-2.0
import LucarneCore
import Persistence
import PostgresClient
import QueryPlanner

/// The rows of a long list, fetched as the client takes them, in one snapshot: what is held is one
/// piece, and a slow reader slows PostgreSQL.
///
/// `@unchecked Sendable`: used by the task that writes the response, on its loop.
final class RestCursor: AnswerPieces, @unchecked Sendable {
    static let name: StaticString = "pgrst_rows"

    private let transaction: OpenTransaction
    private let list: RestTransaction.RestList
    private var place: RestPlaces.Place?
    private var start: [UInt8]
    private var fetched: QueryResult?
    private var rowsAsked: Int
    private var isFirst = true
    private var isOver = false

    private static let pieceBytes = 128 * 1_024
    private static let rowsAskedMax = 4_096

    /// `fetched` are the first rows of the list; `start` stands before them.
    init(
        _ transaction: OpenTransaction,
        _ fetched: QueryResult,
        _ list: RestTransaction.RestList,
        startingWith start: [UInt8],
        in place: RestPlaces.Place?
    ) {
        self.transaction = transaction
        self.list = list
        self.start = start
        self.place = place
        self.fetched = fetched
        rowsAsked = list.rowsFirst
    }

    /// What `rows` rows weigh, going by those fetched first.
    func expectedBytes(of rows: Int) -> Int {
        guard let fetched, fetched.rowCount > 0 else { return 0 }
        let bytes = (0..<fetched.rowCount).reduce(0) { unsafe $0 + fetched.bytes($1, 0).count }
        let (product, overflow) = bytes.multipliedReportingOverflow(by: rows)
        return overflow ? .max : product / fetched.rowCount
    }

    /// Everything that is left, in one piece.
    func all() async throws(Problem) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try await next() { bytes += piece }
        return bytes
    }

    /// Ends the transaction where there is no place for a list that turned out to be long.
    func take(_ places: RestPlaces) async throws(Problem) {
        do throws(Problem) { place = try places.take() } catch {
            try await transaction.commit()
            throw error
        }
    }

    /// As many rows as make one piece, going by these.
    static func rowsAPiece(_ bytes: Int, of rows: Int) -> Int {
        max(1, min(rowsAskedMax, pieceBytes * max(rows, 1) / max(bytes, 1)))
    }

    static func fetch(_ rows: Int) -> Query {
        Query("FETCH \(rows) FROM \(name)", isPrepared: false)
    }

    func letGo() { transaction.abandon() }

    func next() async throws(Problem) -> [UInt8]? {
        guard !isOver else { return nil }
        let rows: QueryResult
        if let fetched { rows = fetched } else { rows = try await more() }
        fetched = nil
        var piece: [UInt8] = []
        piece.reserveCapacity(Self.pieceBytes * 2)
        piece.append(contentsOf: start)
        start = []
        for row in 0..<rows.rowCount {
            if !isFirst { piece.append(contentsOf: list.separator.description.utf8) }
            isFirst = false
            unsafe piece.append(contentsOf: rows.bytes(row, 0))
        }
        if rows.rowCount < rowsAsked {
            piece.append(contentsOf: list.format.end.description.utf8)
            isOver = true
            try await transaction.commit()
        } else {
            rowsAsked = Self.rowsAPiece(piece.count, of: rows.rowCount)
        }
        return piece
    }

    private func more() async throws(Problem) -> QueryResult {
        try await transaction.perform(Self.fetch(rowsAsked))
    }
}
