// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Whose debug records are written for a while, whatever the levels say.
package struct LogScope: Equatable, Sendable {
    package enum Subject: Equatable, Sendable {
        /// A template: `/rest/v1/{relation}`.
        case route(String)
        /// A user's id, or a role.
        case user(String)
        /// 32 hexadecimal digits.
        case trace(String)
    }

    package var subject: Subject
    /// Uptime.
    package var until: UInt64

    package init(_ subject: Subject, until: UInt64) {
        self.subject = subject
        self.until = until
    }
}

/// The scopes there are. Where there is none, a request pays one load for it.
package final class LogScopes: Sendable {
    /// Each is compared with every request.
    package static let scopesMax = 16

    private let latest = Atomic<UInt64>(0)
    private let scopes = Mutex<[LogScope]>([])

    package init() {}

    package var current: [LogScope] {
        let now = uptimeNanoseconds()
        return scopes.withLock { $0.filter { $0.until > now } }
    }

    /// A scope for the same subject takes the place of the one before, and is none itself where it
    /// is over already. False when there are too many.
    package func add(_ scope: LogScope) -> Bool {
        let now = uptimeNanoseconds()
        return scopes.withLock { scopes in
            // Those that are over stay until that is told.
            scopes.removeAll { $0.subject == scope.subject }
            if scope.until > now {
                guard scopes.count(where: { $0.until > now }) < Self.scopesMax else { return false }
                scopes.append(scope)
            }
            latest.store(scopes.map(\.until).max() ?? 0, ordering: .relaxed)
            return true
        }
    }

    /// Those that have run out since this was last asked.
    func expire() -> [LogScope.Subject] {
        let now = uptimeNanoseconds()
        return scopes.withLock { scopes in
            defer { scopes.removeAll { $0.until <= now } }
            return scopes.filter { $0.until <= now }.map(\.subject)
        }
    }

    @inline(__always)
    func isWanted(_ trace: RequestTrace, route: String) -> Bool {
        latest.load(ordering: .relaxed) != 0
            && isListed { subject in
                switch subject {
                case .route(let template): template == route
                case .user(let name): unsafe name == trace.user || name == trace.role
                case .trace(let id): trace.context.isNamed(id)
                }
            }
    }

    /// Whether it is asked for by its id.
    @inline(__always)
    func isNamed(_ trace: RequestTrace) -> Bool {
        latest.load(ordering: .relaxed) != 0
            && isListed { subject in
                if case .trace(let id) = subject { trace.context.isNamed(id) } else { false }
            }
    }

    @inline(never)
    private func isListed(_ isWanted: (LogScope.Subject) -> Bool) -> Bool {
        let now = uptimeNanoseconds()
        let seen = latest.load(ordering: .relaxed)
        guard seen > now else {
            // Unless there is a new one by now.
            _ = latest.compareExchange(expected: seen, desired: 0, ordering: .relaxed)
            return false
        }
        return scopes.withLock { scopes in
            scopes.contains { $0.until > now && isWanted($0.subject) }
        }
    }
}

extension LogScope.Subject {
    /// What it is, and which.
    package var words: (name: String, value: String) {
        switch self {
        case .route(let template): ("route", template)
        case .user(let name): ("user", name)
        case .trace(let id): ("trace", id)
        }
    }
}

extension Telemetry {
    /// Opens a scope for so many seconds, and says so in the log; for none, ends it. False when
    /// there are too many.
    package func openScope(
        _ subject: LogScope.Subject,
        forSeconds seconds: Int,
        askedBy client: String
    ) -> Bool {
        let until = uptimeNanoseconds() + UInt64(seconds) * 1_000_000_000
        guard scopes.add(LogScope(subject, until: until)) else { return false }
        tell(subject, forSeconds: seconds, askedBy: client)
        return true
    }

    /// Says which scopes are over.
    func expireScopes() {
        for subject in scopes.expire() { tell(subject, forSeconds: 0) }
    }

    private func tell(
        _ subject: LogScope.Subject,
        forSeconds seconds: Int,
        askedBy client: String? = nil
    ) {
        logs.write(.notice, .operations, "log scope", event: "log.scope") { record in
            record.field("scope", subject.words.name)
            record.field("scope.value", subject.words.value)
            record.field("log.seconds", seconds)
            if let client { record.field("client.address", client) }
        }
    }
}
