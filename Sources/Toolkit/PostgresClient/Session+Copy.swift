// SPDX-License-Identifier: Apache-2.0
import CLibpq
import CLinux
import EventLoop

extension Session {
    /// Runs `COPY … TO STDOUT` and calls `body` with each row's bytes, as they come: a table of
    /// any size passes in bounded memory, as slowly as `body` takes it (libpq §34.10).
    ///
    /// When `body` throws, the copy is cancelled, and the session goes on.
    package func copyOut<Failure: Error>(
        _ sql: String,
        deadline: UInt64,
        _ body: ([UInt8]) async throws(Failure) -> Void
    ) async throws(PostgresFailure) -> Failure? {
        guard isUsable else { throw .connectionLost("the server closed the connection") }
        // COPY is not allowed in a pipeline.
        guard leavePipeline() else { throw lost() }
        do throws(PostgresFailure) {
            try await startCopy(sql, deadline: deadline)
            let refusal = try await copyRows(deadline: deadline, body)
            try await finishCopy(deadline: deadline, isCancelled: refusal != nil)
            await settleCancel()
            guard enterPipeline() else { throw lost() }
            return refusal
        } catch {
            if case .server = error {
                await settleCancel()
                if isUsable, enterPipeline() { throw error }
            }
            close()
            throw error
        }
    }

    private func startCopy(_ sql: String, deadline: UInt64) async throws(PostgresFailure) {
        try await sendPlain(sql, deadline: deadline)
        guard let result = unsafe try await plainResult(deadline: deadline) else { throw lost() }
        defer { unsafe PQclear(result) }
        switch unsafe PQresultStatus(result) {
        case PGRES_COPY_OUT: return
        case PGRES_FATAL_ERROR:
            let error = unsafe ServerError(result)
            while let rest = unsafe try await plainResult(deadline: deadline) {
                unsafe PQclear(rest)
            }
            throw .server(error)
        default: throw .connectionLost("\(sql) is no COPY TO STDOUT")
        }
    }

    private func copyRows<Failure: Error>(
        deadline: UInt64,
        _ body: ([UInt8]) async throws(Failure) -> Void
    ) async throws(PostgresFailure) -> Failure? {
        var refusal: Failure?
        while let row = try await copiedRow(deadline: deadline) {
            guard refusal == nil else { continue }
            do throws(Failure) {
                try await body(row)
            } catch {
                refusal = error
                cancelStatement()
            }
        }
        return refusal
    }

    private func finishCopy(deadline: UInt64, isCancelled: Bool) async throws(PostgresFailure) {
        var failure: ServerError?
        while let result = unsafe try await plainResult(deadline: deadline) {
            if unsafe PQresultStatus(result) == PGRES_FATAL_ERROR {
                failure = unsafe ServerError(result)
            }
            unsafe PQclear(result)
        }
        if let failure, !isCancelled { throw .server(failure) }
    }
}

extension Session {
    private func leavePipeline() -> Bool { unsafe PQexitPipelineMode(connection) == 1 }
    private func enterPipeline() -> Bool { unsafe PQenterPipelineMode(connection) == 1 }

    private func sendPlain(_ sql: String, deadline: UInt64) async throws(PostgresFailure) {
        guard unsafe PQsendQuery(connection, sql) == 1 else { throw lost() }
        registration.isReadable = false
        if unsafe PQflush(connection) != 0 { try await flush(deadline: deadline) }
    }

    private func plainResult(deadline: UInt64) async throws(PostgresFailure) -> OpaquePointer? {
        var patience = Patience(deadline: deadline)
        while unsafe PQisBusy(connection) == 1 { try await input(&patience) }
        return unsafe PQgetResult(connection)
    }

    /// The next row, or nil at the end of the copy.
    private func copiedRow(deadline: UInt64) async throws(PostgresFailure) -> [UInt8]? {
        while true {
            var row: UnsafeMutablePointer<CChar>?
            let count = unsafe PQgetCopyData(connection, &row, 1)
            if count > 0, let row = unsafe row {
                defer { unsafe PQfreemem(row) }
                return unsafe [UInt8](UnsafeRawBufferPointer(start: row, count: Int(count)))
            }
            guard count == 0 else { return nil }
            if registration.isReadable, bytes_to_read(registration.descriptor) == 0 {
                registration.isReadable = registration.peerHasLeft
            }
            guard await registration.wait(.read, deadline: deadline) == .ready else {
                throw .deadlinePassed
            }
            guard unsafe PQconsumeInput(connection) == 1 else { throw lost() }
        }
    }
}
