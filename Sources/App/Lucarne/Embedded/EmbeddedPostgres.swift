// SPDX-License-Identifier: Apache-2.0
internal import CLinux
internal import Dispatch
internal import Glibc
internal import PostgresClient
internal import Synchronization

/// What happened to the embedded PostgreSQL, for the log.
package enum EmbeddedEvent: Sendable, Equatable {
    case initialised
    case started
    /// One line of its own log, with the severity it begins with (`LOG`, `ERROR`, `FATAL` …).
    case line(severity: String, message: String)
    /// It ended without being told to, and is started again.
    case ended(exitCode: Int32, restartMilliseconds: Int)
    case stopped
}

/// A private PostgreSQL, started with us and stopped with us.
///
/// One thread of its own starts the server, reads its log, waits for its end and starts it again;
/// the kernel stops the server should that thread vanish (`PR_SET_PDEATHSIG`).
package final class EmbeddedPostgres: Sendable {
    private struct State {
        var pid: pid_t = 0
        var isStopping = false
        var hasEnded = false
        /// Before the first start succeeded, an end is a failure and no reason to try again.
        var isReady = false
        var lastComplaint = ""
    }

    package let socketDirectory: String
    private let state = Mutex(State())
    private let ended = DispatchSemaphore(value: 0)
    private let observe: @Sendable (EmbeddedEvent) -> Void

    private static let startMillisecondsMax = 120_000
    private static let restartMilliseconds = 100
    private static let restartMillisecondsMax = 10_000

    private init(_ socketDirectory: String, _ observe: @escaping @Sendable (EmbeddedEvent) -> Void)
    {
        self.socketDirectory = socketDirectory
        self.observe = observe
    }

    /// Returns when the server accepts connections. Blocks: not for a loop.
    package static func start(
        dataDirectory: String,
        binaries: String?,
        interruption: StartInterruption = StartInterruption(),
        observe: @escaping @Sendable (EmbeddedEvent) -> Void
    ) throws(StartFailure) -> EmbeddedPostgres {
        let cluster = try PostgresCluster(dataDirectory: dataDirectory, binaries: binaries)
        if !cluster.isInitialised {
            try cluster.initialise(interruption)
            observe(.initialised)
        }
        cluster.clearLeftovers()
        try interruption.check()
        let embedded = EmbeddedPostgres(cluster.socketDirectory, observe)
        let shared = SharedCluster(cluster)
        DispatchQueue(label: "postgres").async {
            if let cluster = shared.take() { embedded.supervise(cluster) }
            embedded.finish()
        }
        interruption.ends { embedded.stop() }
        try embedded.waitUntilReady()
        observe(.started)
        return embedded
    }

    /// The owner's libpq string for the server that another process keeps in that directory; nil when
    /// none is running. A command may then use it instead of starting its own.
    static func runningConnection(in dataDirectory: String) -> String? {
        let sockets = PostgresCluster.socketDirectory(for: dataDirectory)
        guard Files.exists(sockets + "/.s.PGSQL.5432") else { return nil }
        let connection = connection(in: dataDirectory, user: "postgres")
        return BlockingSession.isServerReady(connection) ? connection : nil
    }

    /// A libpq string for this server; `authenticator` is who requests are served as.
    package func connection(user: String = "authenticator", database: String = "postgres") -> String
    {
        Self.text(socketDirectory, user: user, database: database)
    }

    /// The same for the one that is, or will be, in that directory.
    static func connection(in dataDirectory: String, user: String = "authenticator") -> String {
        let sockets = PostgresCluster.socketDirectory(for: dataDirectory)
        return text(sockets, user: user, database: "postgres")
    }

    private static func text(_ sockets: String, user: String, database: String) -> String {
        "host=\(sockets.quotedForConnection) port=5432 user=\(user) dbname=\(database)"
    }

    /// Ends every session and the server, and returns when it is gone, whoever began to stop it.
    package func stop() {
        let isFirst = state.withLock { state in
            defer { state.isStopping = true }
            if !state.isStopping, state.pid > 0 { kill(state.pid, SIGINT) }
            return !state.isStopping
        }
        // Each who has seen the end lets the next one see it.
        defer { ended.signal() }
        for (seconds, number) in isFirst ? [(20, SIGQUIT), (5, SIGKILL)] : [] {
            if ended.wait(timeout: .now() + .seconds(seconds)) == .success { return }
            state.withLock { if $0.pid > 0 { kill($0.pid, number) } }
        }
        ended.wait()
    }

    private func waitUntilReady() throws(StartFailure) {
        let connection = connection(user: "postgres")
        for _ in 0..<Self.startMillisecondsMax / 20 {
            if BlockingSession.isServerReady(connection) {
                state.withLock { $0.isReady = true }
                return
            }
            let (hasEnded, complaint) = state.withLock { ($0.hasEnded, $0.lastComplaint) }
            if hasEnded {
                throw StartFailure("the embedded PostgreSQL did not start: \(complaint)")
            }
            usleep(20_000)
        }
        stop()
        throw StartFailure("the embedded PostgreSQL did not become ready in time")
    }
}

extension EmbeddedPostgres {
    /// Consumes the cluster: its lock is free before anybody hears that the server is gone.
    private func supervise(_ cluster: consuming PostgresCluster) {
        var pause = Self.restartMilliseconds
        while true {
            let startedAt = Self.now
            let exitCode = runOnce(cluster)
            let isOver = state.withLock { $0.isStopping || !$0.isReady }
            if isOver { break }
            // A server that lived for a while has earned a quick restart.
            if Self.now - startedAt > 30 { pause = Self.restartMilliseconds }
            observe(.ended(exitCode: exitCode, restartMilliseconds: pause))
            usleep(UInt32(pause) * 1000)
            pause = min(pause * 2, Self.restartMillisecondsMax)
            if state.withLock({ $0.isStopping }) { break }
            cluster.clearLeftovers()
        }
    }

    private func finish() {
        state.withLock { $0.hasEnded = true }
        observe(.stopped)
        ended.signal()
    }

    /// From the server's start to the end of its last process.
    private func runOnce(_ cluster: borrowing PostgresCluster) -> Int32 {
        do throws(StartFailure) {
            let process = try ChildProcess(
                cluster.binaries.postgres,
                cluster.serverArguments,
                as: cluster.user
            )
            let pid = process.pid
            state.withLock {
                $0.pid = pid
                // Stopping may have come between: the signal then had nobody to go to.
                if $0.isStopping { kill(pid, SIGINT) }
            }
            process.readLines(report)
            state.withLock { $0.pid = 0 }
            return process.wait()
        } catch {
            state.withLock { $0.lastComplaint = error.description }
            return -1
        }
    }

    private func report(_ line: String) {
        let event = Self.event(of: line)
        // What it answers to those who come too early, of which we are one; they say so themselves.
        if event == .line(severity: "FATAL", message: "the database system is starting up") {
            return
        }
        if case .line(let severity, let message) = event, ["FATAL", "PANIC"].contains(severity) {
            state.withLock { $0.lastComplaint = message }
        }
        observe(event)
    }

    /// `LOG:  checkpoint starting` in its two parts; what has no severity continues a line.
    static func event(of line: String) -> EmbeddedEvent {
        guard let colon = line.firstRange(of: ":  "),
            line[..<colon.lowerBound].allSatisfy({ $0.isUppercase || $0.isNumber })
        else { return .line(severity: "", message: line.trimmed) }
        return .line(
            severity: String(line[..<colon.lowerBound]),
            message: String(line[colon.upperBound...])
        )
    }

    private static var now: Int { time(nil) }
}

/// Carries the cluster to the thread that keeps it, since no closure may own what is not copyable.
private final class SharedCluster: Sendable {
    private let cluster: Mutex<PostgresCluster?>

    init(_ cluster: consuming PostgresCluster) { self.cluster = Mutex(consume cluster) }

    func take() -> PostgresCluster? { cluster.withLock { $0.take() } }
}
