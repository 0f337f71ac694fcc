// SPDX-License-Identifier: Apache-2.0
import CLibpq
import CLinux
package import EventLoop

/// How sessions are made.
package struct SessionSettings: Sendable {
    /// A libpq connection string or URI; several hosts, TLS and passwords as libpq reads them.
    package var connection: String
    package var applicationName = "lucarne"
    /// Off for poolers that hand each transaction to another server process.
    package var preparesStatements = true
    package var preparedStatementsMax = 256
    package var connectTimeout = 5
    /// Of several hosts, none that is a standby, whatever the string says.
    package var wantsPrimary = false

    package init(connection: String) { self.connection = connection }
}

/// One connection's conversation, in libpq's pipeline mode (libpq §34.5): statements up to one
/// Sync go out in one write and are one implicit transaction.
///
/// `@unchecked Sendable`: used on its loop's thread only.
@safe package final class Session: @unchecked Sendable {
    package let loop: EventLoop
    /// What the cache did since the last exchange began.
    package private(set) var lookups = (hits: 0, misses: 0, evictions: 0)

    private let opened: Opened
    let connection: OpaquePointer
    let registration: Registration
    private let settings: SessionSettings
    private var statements: StatementCache
    private var arguments = ArgumentBuffer()
    private var isBroken = false
    private var isSending = false
    var cancel = Cancel()
    private lazy var cancelling: () -> Void = { [weak self] in self?.cancelStatement() }

    /// Connects on a thread that may block: name resolution and TLS are libpq's, and block. Resolving
    /// a name has no end that libpq knows of (§34.1.2, connect_timeout): cancelling the task has.
    package static func connect(
        _ settings: SessionSettings,
        on loop: EventLoop,
        via blocking: BlockingPool
    ) async throws(PostgresFailure) -> Session {
        let opened: Result<Opened, PostgresFailure>
        do {
            opened = try await blocking.run { Opened.open(settings) }
        } catch .cancelled {
            throw .closed
        } catch {
            throw .unavailable("too many connections are being opened")
        }
        return try Session(opened.get(), settings, on: loop)
    }

    private init(
        _ opened: Opened,
        _ settings: SessionSettings,
        on loop: EventLoop
    ) throws(PostgresFailure) {
        self.opened = opened
        unsafe connection = unsafe opened.connection
        self.settings = settings
        self.loop = loop
        statements = StatementCache(capacity: settings.preparedStatementsMax)
        do throws(SocketError) {
            registration = try loop.register(unsafe PQsocket(opened.connection))
        } catch {
            throw .unavailable(error.description)
        }
    }

    /// False once the server or the network ended the conversation.
    package var isUsable: Bool { !isBroken && !registration.peerHasLeft }
    /// A block is open, failed or not, or a statement under way.
    var isInTransaction: Bool { unsafe PQtransactionStatus(connection) != PQTRANS_IDLE }
    var databaseName: String {
        unsafe PQdb(connection).map { unsafe String(cString: $0) } ?? ""
    }
    package var serverVersion: Int { Int(unsafe PQserverVersion(connection)) }
    package var processID: Int { Int(unsafe PQbackendPID(connection)) }

    /// Called once, on the loop, when the server ends the conversation.
    package var onPeerLeft: (() -> Void)? {
        get { registration.onPeerLeft }
        set { registration.onPeerLeft = newValue }
    }

    /// Types of parameters are those of the columns at the time when a statement was prepared.
    func outdateStatements() { statements.outdate() }

    package func close() {
        isBroken = true
        registration.cancel()
        cancel.giveUp()
    }
}

extension Session {
    /// Sends all queries before one Sync and waits for their results, one for each query.
    ///
    /// They are one transaction unless they say otherwise: when one fails, the rest are not run
    /// and none has an effect. Past the deadline (uptime nanoseconds) the server is asked to stop.
    package func exchange(
        _ queries: [Query],
        deadline: UInt64,
        cancellation: Cancellation? = nil
    ) async throws(PostgresFailure) -> [QueryResult] {
        let answered = try await answers(
            to: queries,
            deadline: deadline,
            cancellation: cancellation
        )
        if let failure = answered.failure { throw .server(failure) }
        return answered.results
    }

    /// The same, with the results of what was run before a failure.
    package func answers(
        to queries: [Query],
        deadline: UInt64,
        cancellation: Cancellation? = nil
    ) async throws(PostgresFailure) -> (results: [QueryResult], failure: ServerError?) {
        lookups = (0, 0, 0)
        guard isUsable else { throw .connectionLost("the server closed the connection") }
        guard !queries.contains(where: \.parameters.hasNUL) else { throw .server(.nulByte) }
        guard cancellation?.isCancelled != true else { throw .server(.cancelled) }
        let listening = cancellation?.onCancel(cancelling)
        defer { if let listening { cancellation?.forget(listening) } }
        do throws(PostgresFailure) {
            var answers = Answers(steps: try send(queries))
            if unsafe PQflush(connection) != 0 { try await flush(deadline: deadline) }
            var patience = Patience(deadline: deadline)
            while try !receive(&answers) { try await input(&patience) }
            await settleCancel()
            // What was done before a cancel arrived is done.
            guard patience.isOver, answers.failure?.isCancellation == true else {
                return (answers.results, answers.failure)
            }
        } catch {
            close()
            throw error
        }
        throw .deadlinePassed
    }

    /// What the server owes an answer to.
    private enum Step {
        case prepare(sql: String)
        case forget
        case execute(sql: String)
    }

    private func send(_ queries: [Query]) throws(PostgresFailure) -> [Step] {
        var steps: [Step] = []
        steps.reserveCapacity(queries.count + 2)
        for query in queries { try send(query, &steps) }
        guard unsafe PQpipelineSync(connection) == 1 else { throw lost() }
        registration.isReadable = false
        return steps
    }

    private func send(_ query: Query, _ steps: inout [Step]) throws(PostgresFailure) {
        let isPrepared = query.isPrepared && settings.preparesStatements
        let name = isPrepared ? try preparedName(for: query.sql, &steps) : ""
        let format: Int32 = query.wantsBinaryResult ? 1 : 0
        let sent = unsafe arguments.withPointers(to: query.parameters) { count, values, lengths in
            unsafe isPrepared
                ? PQsendQueryPrepared(connection, name, count, values, lengths, nil, format)
                : PQsendQueryParams(
                    connection,
                    query.sql,
                    count,
                    nil,
                    values,
                    lengths,
                    nil,
                    format
                )
        }
        guard sent == 1 else { throw lost() }
        steps.append(.execute(sql: isPrepared ? query.sql : ""))
    }

    private func preparedName(
        for sql: String,
        _ steps: inout [Step]
    ) throws(PostgresFailure) -> String {
        switch statements.look(up: sql) {
        case .prepared(let name):
            lookups.hits += 1
            return name
        case .missing(let name, let evicted):
            lookups.misses += 1
            if let evicted {
                lookups.evictions += 1
                let text = "DEALLOCATE \(evicted)"
                guard unsafe PQsendQueryParams(connection, text, 0, nil, nil, nil, nil, 0) == 1
                else { throw lost() }
                steps.append(.forget)
            }
            guard unsafe PQsendPrepare(connection, name, sql, 0, nil) == 1 else { throw lost() }
            steps.append(.prepare(sql: sql))
            return name
        }
    }

    /// Sends what the kernel's buffer had no room for. Whoever waits for its answers to be read
    /// reads nothing either, so they are taken in meanwhile.
    func flush(deadline: UInt64) async throws(PostgresFailure) {
        isSending = true
        let reading = Task(executorPreference: loop) { await self.readWhileSending() }
        var outcome = Registration.Outcome.ready
        while outcome == .ready, unsafe PQflush(connection) == 1 {
            registration.isWritable = false
            outcome = await registration.wait(.write, deadline: deadline)
        }
        isSending = false
        await reading.value
        guard outcome != .timedOut else { throw .deadlinePassed }
        try check()
    }

    private func readWhileSending() async {
        while isSending {
            if bytes_to_read(registration.descriptor) == 0 {
                registration.isReadable = registration.peerHasLeft
            }
            // Sending reads as well: there may be nothing to come.
            let soon = uptime() &+ 50_000_000
            switch await registration.wait(.read, deadline: soon) {
            case .timedOut: continue
            case .ready: guard unsafe PQconsumeInput(connection) == 1 else { return close() }
            case .closed: return
            }
        }
    }

    private func check() throws(PostgresFailure) {
        guard unsafe PQstatus(connection) == CONNECTION_OK else { throw lost() }
    }

    struct Patience {
        var deadline: UInt64
        var isOver = false
    }

    /// How far reading has come: each step's answer is one result and the NULL that ends it,
    /// then comes the Sync's own.
    private struct Answers {
        let steps: [Step]
        var position = 0
        var isAnswered = false
        var results: [QueryResult] = []
        var failure: ServerError?

        init(steps: [Step]) {
            self.steps = steps
            results.reserveCapacity(steps.count)
        }
    }

    /// Takes what has arrived. True when the Sync has been reached; false when the next result
    /// would have to be waited for.
    private func receive(_ answers: inout Answers) throws(PostgresFailure) -> Bool {
        while unsafe PQisBusy(connection) == 0 {
            guard let result = unsafe PQgetResult(connection) else {
                try endStep(&answers)
                continue
            }
            switch unsafe PQresultStatus(result) {
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                let result = unsafe QueryResult(adopting: result)
                answers.isAnswered = true
                if case .execute = answers.steps[answers.position] {
                    answers.results.append(result)
                }
            case PGRES_PIPELINE_SYNC:
                unsafe PQclear(result)
                return true
            case PGRES_PIPELINE_ABORTED: unsafe PQclear(result)
            default:
                // The implicit transaction commits at the Sync, so a deferred constraint is
                // refused only behind the last step.
                if answers.failure == nil { answers.failure = unsafe ServerError(result) }
                unsafe PQclear(result)
                try check()
            }
        }
        return false
    }

    private func endStep(_ answers: inout Answers) throws(PostgresFailure) {
        guard answers.position < answers.steps.count else { return try check() }
        let step = answers.steps[answers.position]
        // What was not prepared, or whose plan went stale, is prepared anew next time.
        switch step {
        case .prepare(let sql) where !answers.isAnswered: statements.forget(sql)
        case .execute(let sql) where answers.failure?.isStalePlan == true: statements.forget(sql)
        case .prepare, .execute, .forget: break
        }
        answers.position += 1
        answers.isAnswered = false
    }

    /// Waits for bytes from the server, and takes them in.
    func input(_ patience: inout Patience) async throws(PostgresFailure) {
        // libpq may leave bytes in the kernel, and no edge will announce those again.
        if !registration.isReadable || bytes_to_read(registration.descriptor) == 0 {
            registration.isReadable = registration.peerHasLeft
            switch await registration.wait(.read, deadline: patience.deadline) {
            case .ready: break
            case .closed: throw .connectionLost("the connection was closed")
            case .timedOut where patience.isOver:
                throw .connectionLost("the server did not heed a request to cancel")
            case .timedOut:
                patience = Patience(deadline: uptime() + Self.cancelPatience, isOver: true)
                cancelStatement()
                return
            }
        }
        guard unsafe PQconsumeInput(connection) == 1 else { throw lost() }
    }

    func lost() -> PostgresFailure {
        isBroken = true
        let message = unsafe PQerrorMessage(connection).map { unsafe String(cString: $0) } ?? ""
        return .connectionLost(message.trimmingLines)
    }
}

extension Session {
    func nextNotification() -> Notification? {
        guard let notify = unsafe PQnotifies(connection) else { return nil }
        defer { unsafe PQfreemem(notify) }
        return unsafe Notification(
            channel: String(cString: notify.pointee.relname),
            payload: String(cString: notify.pointee.extra)
        )
    }

    /// Waits for whatever the server sends next, with no statement under way.
    func hasInput(within pause: UInt64) async throws(PostgresFailure) -> Bool {
        if bytes_to_read(registration.descriptor) == 0 {
            registration.isReadable = registration.peerHasLeft
        }
        switch await registration.wait(.read, deadline: uptime() &+ pause) {
        case .ready: break
        case .timedOut: return false
        case .closed: throw .connectionLost("the connection was closed")
        }
        guard unsafe PQconsumeInput(connection) == 1 else { throw lost() }
        return true
    }
}
