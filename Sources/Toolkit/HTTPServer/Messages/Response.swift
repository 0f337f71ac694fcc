// SPDX-License-Identifier: Apache-2.0

/// Memory that a response is sent from without a copy, such as a database's result.
///
/// The bytes stay where they are, unchanged, for as long as the object lives.
package protocol ExternalBytes: AnyObject, Sendable {
    func withBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws -> Value
    ) rethrows -> Value
}

/// What a client is told.
package struct Response: Sendable {
    package enum Body: Sendable {
        case empty
        case bytes([UInt8])
        case external(any ExternalBytes)
        /// Written piece by piece; chunked where the length is not known before.
        case stream(length: Int?, @Sendable (BodyWriter) async throws -> Void)
    }

    /// Why the request was refused or failed: for logs and metrics, not for the wire.
    package struct Failure: Sendable {
        /// A problem's kind (`not_found`).
        package var type: String
        /// A problem's code (`PGRST116`).
        package var code: String
        package var message: String

        package init(type: String, code: String, message: String) {
            self.type = type
            self.code = code
            self.message = message
        }
    }

    package var status: Int
    /// The reason phrase, where it is not the status code's own.
    package var reason: String?
    package var headers: HeaderFields
    package var body: Body
    package var failure: Failure?
    /// The connection ends with this response.
    package var closesConnection = false

    package init(
        status: Int,
        reason: String? = nil,
        headers: HeaderFields = [:],
        body: Body = .empty,
        failure: Failure? = nil
    ) {
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.failure = failure
    }

    package init(status: Int, contentType: String, _ body: [UInt8]) {
        self.init(status: status, headers: ["Content-Type": contentType], body: .bytes(body))
    }

    package init(status: Int, contentType: String, _ text: String) {
        self.init(status: status, contentType: contentType, Array(text.utf8))
    }
}

/// Takes a streamed body's pieces. Each `write` returns when the piece has gone out, so a slow
/// reader slows its writer; it throws when the peer has left.
package final class BodyWriter {
    private let sink: any BodySink

    init(_ sink: any BodySink) { self.sink = sink }

    package func write(_ bytes: [UInt8]) async throws {
        try await sink.write(bytes)
    }

    package func write(_ text: String) async throws {
        try await sink.write(Array(text.utf8))
    }
}

/// Where a streamed body goes: a connection, or memory.
protocol BodySink: AnyObject {
    func write(_ bytes: [UInt8]) async throws
}

/// Collects a stream, for tests and for routes called in memory.
private final class CollectingSink: BodySink {
    var bytes: [UInt8] = []

    func write(_ bytes: [UInt8]) { self.bytes.append(contentsOf: bytes) }
}

extension Response {
    /// The whole body, wherever it comes from.
    package func collectedBody() async throws -> [UInt8] {
        switch body {
        case .empty: return []
        case .bytes(let bytes): return bytes
        case .external(let owner): return unsafe owner.withBytes { unsafe Array($0) }
        case .stream(_, let produce):
            let sink = CollectingSink()
            try await produce(BodyWriter(sink))
            return sink.bytes
        }
    }
}
