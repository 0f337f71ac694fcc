// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import PostgresClient

/// One value of a result, sent from where libpq put it.
final class ResultCell: AnswerBytes, ExternalBytes {
    private let result: QueryResult
    private let column: Int

    init(_ result: QueryResult, column: Int) {
        self.result = result
        self.column = column
    }

    var count: Int { unsafe result.bytes(0, column).count }

    var copied: [UInt8] { unsafe Array(result.bytes(0, column)) }

    func withBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws -> Value
    ) rethrows -> Value {
        try unsafe body(result.bytes(0, column))
    }
}
