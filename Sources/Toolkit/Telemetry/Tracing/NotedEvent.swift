// SPDX-License-Identifier: Apache-2.0

/// What a layer has to tell of a request besides that it was there: a debug record, if it comes to
/// that. Plain memory.
struct NotedEvent: Sendable {
    enum Fact: Sendable {
        case refusedCredential(AuthenticationEvent.Scheme, AuthenticationEvent.Outcome)
        case refusedRequest(ConnectionEvent.ParseErrorReason)
    }

    var fact: Fact
    /// Uptime.
    var at: UInt64

    static let none = NotedEvent(fact: .refusedRequest(.timeout), at: 0)
}

extension NotedEvent.Fact {
    var head: (module: LogModule, message: StaticString, event: StaticString) {
        switch self {
        case .refusedCredential:
            (module: .auth, message: "not authenticated", event: "auth.refused")
        case .refusedRequest: (module: .http, message: "request refused", event: "http.parse_error")
        }
    }

    func describe(from client: String, in record: inout LogRecord) {
        switch self {
        case .refusedCredential(let scheme, let outcome):
            record.field("scheme", scheme.rawValue)
            record.field("reason", outcome.rawValue)
        case .refusedRequest(let reason): record.field("reason", reason.rawValue)
        }
        if !client.isEmpty { record.field("client.address", client) }
    }
}
