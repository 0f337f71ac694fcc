// SPDX-License-Identifier: Apache-2.0

/// A response's head as bytes.
enum ResponseEncoder {
    /// How the client will know where the body ends (RFC 9112 §6.3).
    enum BodyLength: Equatable {
        /// The status has no body, or the request was HEAD and the length is not worth knowing.
        case absent
        case known(Int)
        case chunked
        case untilClose
    }

    enum Persistence {
        case keepAlive
        /// What HTTP/1.0 has to be told (RFC 9112 §9.3).
        case keepAliveSaid
        case close
    }

    static let continueLine = Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)

    static func append(
        _ response: Response,
        _ length: BodyLength,
        _ persistence: Persistence,
        date: inout DateLine,
        to output: inout [UInt8]
    ) {
        appendStatusLine(response, to: &output)
        date.append(to: &output)
        appendFields(of: response, to: &output)
        switch length {
        case .known(let count):
            output.append("Content-Length: ")
            output.append(decimal: count)
            output.append("\r\n")
        case .chunked: output.append("Transfer-Encoding: chunked\r\n")
        case .absent, .untilClose: break
        }
        switch persistence {
        case .keepAlive: break
        case .keepAliveSaid: output.append("Connection: keep-alive\r\n")
        case .close: output.append("Connection: close\r\n")
        }
        output.append("\r\n")
    }

    private static func appendStatusLine(_ response: Response, to output: inout [UInt8]) {
        if response.status == 200, response.reason == nil {
            return output.append("HTTP/1.1 200 OK\r\n")
        }
        output.append("HTTP/1.1 ")
        output.append(decimal: response.status)
        output.append(" ")
        if let reason = response.reason {
            output.append(contentsOf: reason.utf8.filter { !ByteClass.isControl($0) })
        } else {
            output.append(reasonPhrase(response.status))
        }
        output.append("\r\n")
    }

    /// A route, or a function in the database, may name any header. What frames the message is the
    /// connection's business alone.
    private static func appendFields(of response: Response, to output: inout [UInt8]) {
        guard response.headers.contains(where: isFraming) else {
            return response.headers.appendWire(to: &output)
        }
        var headers = response.headers
        for name in framing { headers.remove(name) }
        headers.appendWire(to: &output)
    }

    private static func isFraming(_ name: Span<UInt8>) -> Bool {
        switch name.count {
        case 4, 10, 14, 17: framing.contains { equalIgnoringCase(name, $0.utf8.span) }
        default: false
        }
    }

    private static let framing = ["Content-Length", "Transfer-Encoding", "Connection", "Date"]

    /// RFC 9110 §6.4.1: what never has a body.
    static func hasNoBody(_ status: Int) -> Bool {
        status == 204 || status == 304
    }
}
