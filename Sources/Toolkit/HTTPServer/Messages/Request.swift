// SPDX-License-Identifier: Apache-2.0
package import EventLoop
package import Telemetry

package enum HTTPVersion: Sendable { case http10, http11 }

/// What a client asks: its head as sent (copied once), and its body, collected and bounded.
package struct Request: Sendable {
    /// All that never changes, in one place: a request is handed on more often than it is looked at.
    private let head: Head
    package internal(set) var body: [UInt8]
    package internal(set) var pathParameters = PathParameters()

    package var method: Method { head.method }
    package var version: HTTPVersion { head.version }
    package var headers: HeaderFields { head.headers }
    /// The peer's numeric address; `unix` for a Unix socket.
    package var peerAddress: String { head.peerAddress }
    /// The request's way through the layers. Belongs to the connection's loop.
    package var trace: RequestTrace { head.trace }
    /// Fires when the peer leaves before it is answered.
    package var cancellation: Cancellation { head.cancellation }

    private final class Head: Sendable {
        let method: Method
        let version: HTTPVersion
        let headers: HeaderFields
        let peerAddress: String
        let trace: RequestTrace
        let cancellation: Cancellation
        let bytes: [UInt8]
        let path: Range<Int>
        let query: Range<Int>?

        init(
            _ method: Method,
            _ version: HTTPVersion,
            _ headers: HeaderFields,
            _ peerAddress: String,
            _ trace: RequestTrace,
            _ cancellation: Cancellation,
            _ bytes: [UInt8],
            path: Range<Int>,
            query: Range<Int>?
        ) {
            self.method = method
            self.version = version
            self.headers = headers
            self.peerAddress = peerAddress
            self.trace = trace
            self.cancellation = cancellation
            self.bytes = bytes
            self.path = path
            self.query = query
        }
    }

    init(
        head: RequestHead,
        bytes: [UInt8],
        body: [UInt8],
        peerAddress: String,
        trace: RequestTrace,
        cancellation: Cancellation
    ) {
        self.body = body
        self.head = Head(
            head.method,
            head.version,
            HeaderFields(of: bytes, at: head.fields),
            peerAddress,
            trace,
            cancellation,
            bytes,
            path: head.path,
            query: head.query
        )
    }

    /// A request that came over no wire: for calling routes in memory.
    package init(
        _ method: Method,
        _ target: String,
        headers: HeaderFields = [:],
        body: [UInt8] = [],
        peerAddress: String = "unix",
        trace: RequestTrace? = nil
    ) {
        let bytes = Array(target.utf8)
        let mark = bytes.firstIndex(of: UInt8(ascii: "?"))
        self.body = body
        head = Head(
            method,
            .http11,
            headers,
            peerAddress,
            trace
                ?? RequestTrace(
                    startedAt: uptimeNanoseconds(),
                    context: .restarted(),
                    method: method.label
                ),
            Cancellation(),
            bytes,
            path: 0..<(mark ?? bytes.count),
            query: mark.map { $0 + 1..<bytes.count }
        )
    }

    /// The path as sent, still percent-encoded.
    package var pathBytes: ArraySlice<UInt8> { head.bytes[head.path] }
    package var path: String { String(decoding: pathBytes, as: UTF8.self) }

    /// What follows the question mark, as sent; nil without one.
    package var queryBytes: ArraySlice<UInt8>? { head.query.map { head.bytes[$0] } }
    package var query: String? { queryBytes.map { String(decoding: $0, as: UTF8.self) } }

    /// A `{name}` of the route's template, percent-decoded. The router has made sure that it
    /// can be. Empty where the template has no such name.
    package func pathParameter(_ name: String) -> String {
        guard let range = pathParameters.range(of: name) else { return "" }
        return (try? PercentEncoding.decode(head.bytes[range])) ?? ""
    }
}

extension Request: Traceable {}

/// Where in the path a template's parameters were found.
package struct PathParameters: Sendable {
    var names: [String] = []
    var ranges: [Range<Int>] = []

    package var count: Int { ranges.count }

    func range(of name: String) -> Range<Int>? {
        names.firstIndex(of: name).flatMap { $0 < ranges.count ? ranges[$0] : nil }
    }
}
