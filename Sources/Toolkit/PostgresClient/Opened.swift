// SPDX-License-Identifier: Apache-2.0
import CLibpq
import Glibc
import Synchronization

extension String {
    /// libpq ends its messages with a line break, and has several lines for several hosts.
    var trimmingLines: String {
        split(whereSeparator: \.isNewline).joined(separator: "; ")
    }
}

/// A connection that libpq opened on another thread, on its way to its loop. It ends with its last
/// owner: nobody may wait for it any more.
@safe final class Opened: @unchecked Sendable {
    let connection: OpaquePointer

    /// A host that is gone is noticed within a minute, requests to cancel included (libpq §34.1.2).
    static let vigilance: [(name: String, value: String)] = [
        ("keepalives_idle", "30"), ("keepalives_interval", "10"),
        ("keepalives_count", "3"), ("tcp_user_timeout", "30000"),
    ]

    private init(_ connection: OpaquePointer) { unsafe self.connection = unsafe connection }

    deinit { unsafe PQfinish(connection) }

    static func open(_ settings: SessionSettings) -> Result<Opened, PostgresFailure> {
        // A dbname that is a connection string is expanded, and overrides what comes before it;
        // what comes later overrides it.
        var keywords = ["client_encoding", "fallback_application_name", "connect_timeout"]
        var values = ["UTF8", settings.applicationName, String(settings.connectTimeout)]
        keywords += vigilance.map(\.name) + ["dbname"]
        values += vigilance.map(\.value) + [settings.connection]
        if settings.wantsPrimary {
            keywords.append("target_session_attrs")
            values.append("primary")
        }
        let connection = unsafe withCStrings(keywords) { keywords in
            unsafe withCStrings(values) { unsafe PQconnectdbParams(keywords, $0, 1) }
        }
        guard let connection = unsafe connection else { return .failure(.unavailable("no memory")) }
        guard unsafe PQstatus(connection) == CONNECTION_OK,
            unsafe PQsetnonblocking(connection, 1) == 0,
            unsafe PQenterPipelineMode(connection) == 1
        else {
            let message = unsafe PQerrorMessage(connection).map { unsafe String(cString: $0) }
            unsafe PQfinish(connection)
            return .failure(.unavailable((message ?? "connection refused").trimmingLines))
        }
        // Notices would go to standard error, past the log.
        _ = unsafe PQsetNoticeReceiver(connection, { _, _ in }, nil)
        return .success(unsafe Opened(connection))
    }
}

/// A cancel request (libpq §34.7), freed with its last owner.
@safe final class CancelRequest: @unchecked Sendable {
    private let request: OpaquePointer
    private let isWanted = Atomic<Bool>(true)

    init(adopting request: OpaquePointer) { unsafe self.request = unsafe request }

    deinit { unsafe PQfreeCancel(request) }

    /// It is not sent any more, should it not have been yet.
    func withdraw() { isWanted.store(false, ordering: .relaxed) }

    func send() {
        guard isWanted.load(ordering: .relaxed) else { return }
        var message = InlineArray<256, CChar>(repeating: 0)
        var span = message.mutableSpan
        unsafe span.withUnsafeMutableBufferPointer {
            _ = unsafe PQcancel(request, $0.baseAddress, Int32($0.count))
        }
    }
}

/// Calls `body` with a NULL-terminated array of C strings.
private func withCStrings<Value>(
    _ texts: [String],
    _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
) -> Value {
    let pointers = UnsafeMutableBufferPointer<UnsafePointer<CChar>?>.allocate(
        capacity: texts.count + 1
    )
    unsafe pointers.initialize(repeating: nil)
    for (index, text) in texts.enumerated() {
        unsafe pointers[index] = unsafe strdup(text).map { unsafe UnsafePointer($0) }
    }
    defer {
        for index in texts.indices { unsafe free(.init(mutating: pointers[index])) }
        unsafe pointers.deallocate()
    }
    guard let start = pointers.baseAddress else { preconditionFailure("never empty") }
    return unsafe body(UnsafePointer(start))
}
