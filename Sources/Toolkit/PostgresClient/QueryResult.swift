// SPDX-License-Identifier: Apache-2.0
import CLibpq

/// What a statement answered: rows in libpq's memory, read in place.
///
/// `@unchecked Sendable`: libpq never changes a result once it is complete.
@safe package final class QueryResult: @unchecked Sendable {
    private let result: OpaquePointer
    package let rowCount: Int
    package let columnCount: Int

    init(adopting result: OpaquePointer) {
        unsafe self.result = unsafe result
        rowCount = Int(unsafe PQntuples(result))
        columnCount = Int(unsafe PQnfields(result))
    }

    deinit { unsafe PQclear(result) }

    /// How many rows the command says it moved over or changed.
    package var affectedCount: Int? {
        unsafe PQcmdTuples(result).flatMap { unsafe Int(String(cString: $0)) }
    }

    package func columnName(_ column: Int) -> String {
        unsafe PQfname(result, Int32(column)).map { unsafe String(cString: $0) } ?? ""
    }

    package func isNull(_ row: Int, _ column: Int) -> Bool {
        unsafe PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    /// The value's bytes; valid as long as the result is. Empty for NULL.
    package func bytes(_ row: Int, _ column: Int) -> UnsafeRawBufferPointer {
        let count = unsafe PQgetlength(result, Int32(row), Int32(column))
        let start = unsafe PQgetvalue(result, Int32(row), Int32(column))
        return unsafe UnsafeRawBufferPointer(start: start, count: Int(count))
    }

    package func string(_ row: Int, _ column: Int) -> String? {
        guard !isNull(row, column) else { return nil }
        return unsafe String(decoding: bytes(row, column), as: UTF8.self)
    }

    /// A whole number, in either of PostgreSQL's formats: the binary one is in network byte order.
    package func integer(_ row: Int, _ column: Int) -> Int? {
        guard unsafe PQfformat(result, Int32(column)) == 1 else {
            return string(row, column).flatMap { Int($0) }
        }
        let value = unsafe bytes(row, column)
        let bits = unsafe value.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return switch value.count {
        case 4: Int(Int32(truncatingIfNeeded: bits))
        case 8: Int(truncatingIfNeeded: bits)
        default: nil
        }
    }
}
