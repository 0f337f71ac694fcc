// SPDX-License-Identifier: Apache-2.0
import CLibpq

/// One connection for work at start, when blocking is no matter: migrations, checks. Never on a loop.
///
/// `@unchecked Sendable`: it has one owner, who may hand it on.
@safe package struct BlockingSession: ~Copyable, @unchecked Sendable {
    private let connection: OpaquePointer

    /// `target` is a libpq string or URI.
    package init(_ target: String, timeoutSeconds: Int = 10) throws(PostgresFailure) {
        let names =
            Opened.vigilance.map(\.name)
            + ["dbname", "connect_timeout", "fallback_application_name", "client_encoding"]
        let values =
            Opened.vigilance.map(\.value) + [target, String(timeoutSeconds), "lucarne", "UTF8"]
        let opened = unsafe withTextPointers(names) { names in
            unsafe withTextPointers(values) { values in
                unsafe PQconnectdbParams(names, values, 1)
            }
        }
        guard let opened = unsafe opened else { throw .unavailable("out of memory") }
        guard unsafe PQstatus(opened) == CONNECTION_OK else {
            let reason = unsafe lastError(of: opened)
            unsafe PQfinish(opened)
            throw .unavailable(reason)
        }
        // Notices are libpq's to print otherwise, on our standard error.
        _ = unsafe PQsetNoticeProcessor(opened, { _, _ in }, nil)
        unsafe connection = unsafe opened
    }

    deinit { unsafe PQfinish(connection) }

    /// Whether a server there accepts connections; who may connect does not matter.
    package static func isServerReady(_ target: String) -> Bool {
        let values = [target, "2"]
        return unsafe withTextPointers(["dbname", "connect_timeout"]) { names in
            unsafe withTextPointers(values) { unsafe PQpingParams(names, $0, 1) == PQPING_OK }
        }
    }

    /// The library we run with, as `serverVersion` counts.
    package static var libpqVersion: Int { Int(PQlibVersion()) }

    /// 150003 is 15.3 (libpq §34.2).
    package var serverVersion: Int { Int(unsafe PQserverVersion(connection)) }
    package var user: String { unsafe PQuser(connection).map { unsafe String(cString: $0) } ?? "" }

    /// Inside a transaction that has not failed.
    package var isInTransaction: Bool {
        unsafe PQtransactionStatus(connection) == PQTRANS_INTRANS
    }

    /// Ends the statement that runs when it is called, if any; from any thread.
    package var cancel: @Sendable () -> Void {
        let request = unsafe PQgetCancel(connection).map { unsafe CancelRequest(adopting: $0) }
        return { request?.send() }
    }

    /// One or more statements without parameters; the position of an error is a character in them.
    package func run(_ script: String) throws(PostgresFailure) {
        _ = unsafe try result(of: PQexec(connection, script))
    }

    /// One statement; its rows as text.
    package func query(
        _ statement: String,
        _ parameters: [String?] = []
    ) throws(PostgresFailure) -> [[String?]] {
        let result = unsafe withTextPointers(parameters) { values in
            unsafe PQexecParams(
                connection,
                statement,
                Int32(parameters.count),
                nil,
                values,
                nil,
                nil,
                0
            )
        }
        let rows = unsafe try self.result(of: result)
        return (0..<rows.rowCount).map { row in
            (0..<rows.columnCount).map { rows.string(row, $0) }
        }
    }

    private func result(of pointer: OpaquePointer?) throws(PostgresFailure) -> QueryResult {
        guard let pointer = unsafe pointer else {
            throw .connectionLost(unsafe lastError(of: connection))
        }
        switch unsafe PQresultStatus(pointer) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            return unsafe QueryResult(adopting: pointer)
        case PGRES_COPY_IN:
            unsafe PQclear(pointer)
            _ = unsafe PQputCopyEnd(connection, "COPY FROM STDIN has no input here")
            while let next = unsafe PQgetResult(connection) { unsafe PQclear(next) }
            throw .server(
                ServerError(sqlState: "0A000", message: "COPY FROM STDIN has no input here")
            )
        default:
            let isBroken = unsafe PQstatus(connection) != CONNECTION_OK
            let reason = unsafe lastError(of: connection)
            let error = unsafe ServerError(pointer)
            unsafe PQclear(pointer)
            throw isBroken ? .connectionLost(reason) : .server(error)
        }
    }
}

/// The last error, without its line ends.
private func lastError(of connection: OpaquePointer) -> String {
    let message = unsafe PQerrorMessage(connection).map { unsafe String(cString: $0) } ?? ""
    return message.split(separator: "\n").joined(separator: " ")
}

/// Calls `body` with C strings, NULL for nil, and a NULL behind the last.
private func withTextPointers<Value>(
    _ texts: [String?],
    _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    var bytes: [CChar] = []
    var offsets: [Int?] = []
    for text in texts {
        offsets.append(text == nil ? nil : bytes.count)
        if let text { bytes += text.utf8.map { CChar(bitPattern: $0) } + [0] }
    }
    return unsafe bytes.withUnsafeBufferPointer { buffer in
        let pointers = unsafe offsets.map {
            unsafe $0.flatMap { unsafe buffer.baseAddress?.advanced(by: $0) }
        }
        return unsafe (pointers + [nil]).withUnsafeBufferPointer { list in
            // An array with its NULL is never empty, so it has an address.
            unsafe body(list.baseAddress.unsafelyUnwrapped)
        }
    }
}
