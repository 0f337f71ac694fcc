// SPDX-License-Identifier: Apache-2.0
package import EventLoop
package import Telemetry

package enum HTTPVersion: Sendable { case http10, http11 }

/// What a client asks: its head as sent (copied once), and its body, collected and bounded.
package struct Request: Sendable {
    package let method: Method
    package let version: HTTPVersion
    package var headers: HeaderFields
    package var body: [UInt8]
    /// The peer's numeric address; `unix` for a Unix socket.
    package let peerAddress: String
    /// The request's way through the layers. Belongs to the connection's loop.
    package let trace: RequestTrace
    /// Fires when the peer leaves before it is answered.
    package let cancellation: Cancellation
    package internal(set) var pathParameters = PathParameters()

    let bytes: [UInt8]
    let pathRange: Range<Int>
    let queryRange: Range<Int>?

    init(
        head: RequestHead,
        bytes: [UInt8],
        body: [UInt8],
        peerAddress: String,
        trace: RequestTrace,
        cancellation: Cancellation
    ) {
        method = head.method
        version = head.version
        headers = HeaderFields(of: bytes, at: head.fields)
        self.body = body
        self.peerAddress = peerAddress
        self.trace = trace
        self.cancellation = cancellation
        self.bytes = bytes
        pathRange = head.path
        queryRange = head.query
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
        self.method = method
        version = .http11
        self.headers = headers
        self.body = body
        self.peerAddress = peerAddress
        self.trace =
            trace
            ?? RequestTrace(
                startedAt: uptimeNanoseconds(),
                context: .restarted(),
                method: method.label
            )
        cancellation = Cancellation()
        let bytes = Array(target.utf8)
        let mark = bytes.firstIndex(of: UInt8(ascii: "?"))
        pathRange = 0..<(mark ?? bytes.count)
        queryRange = mark.map { $0 + 1..<bytes.count }
        self.bytes = bytes
    }

    /// The path as sent, still percent-encoded.
    package var pathBytes: ArraySlice<UInt8> { bytes[pathRange] }
    package var path: String { String(decoding: pathBytes, as: UTF8.self) }

    /// What follows the question mark, as sent; nil without one.
    package var queryBytes: ArraySlice<UInt8>? { queryRange.map { bytes[$0] } }
    package var query: String? { queryBytes.map { String(decoding: $0, as: UTF8.self) } }

    /// A `{name}` of the route's template, percent-decoded. The router has made sure that it
    /// can be. Empty where the template has no such name.
    package func pathParameter(_ name: String) -> String {
        guard let range = pathParameters.range(of: name) else { return "" }
        return (try? PercentEncoding.decode(bytes[range])) ?? ""
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
