// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
import Telemetry

/// Which pages of other origins may call, and read the answers (Fetch Standard §3.2), as
/// PostgREST's users know it: with no origins configured, every one may, without credentials.
///
/// A feature that speaks for itself is left alone.
package struct CrossOriginAccess: Middleware {
    package var name: StaticString { "cors" }

    private let allowedOrigins: [String]
    /// Templates of routes that no page of another origin may call.
    private let closed: Set<String>

    private static let methods = ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"]
    private static let exposed =
        "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, "
        + "Server, Transfer-Encoding, Range-Unit"

    package init(allowedOrigins: [String] = [], closed: Set<String> = []) {
        self.allowedOrigins = allowedOrigins
        self.closed = closed
    }

    /// Answers a preflight; anything else, and a preflight in vain, goes on to its route.
    package func before(_ request: inout Request) -> Response? {
        guard request.method == .options, let origin = request.headers["Origin"],
            let method = request.headers["Access-Control-Request-Method"],
            Self.methods.contains(method), let granted = grant(origin, request)
        else { return nil }
        var response = Response(status: 200, headers: granted)
        response.headers.append(
            "Access-Control-Allow-Methods",
            Self.methods.joined(separator: ", ")
        )
        if let asked = request.headers["Access-Control-Request-Headers"] {
            response.headers.append("Access-Control-Allow-Headers", Self.accepted(asked))
        }
        response.headers.append("Access-Control-Max-Age", "86400")
        return response
    }

    /// Whatever is asked for, and what needs no asking.
    private static func accepted(_ asked: String) -> String {
        let names = ["Authorization"] + asked.split(separator: ",").map { String($0.trimmed) }
        let known = Set(names.map { $0.lowercased() })
        let simple = ["Accept", "Accept-Language", "Content-Language"]
        return (names + simple.filter { !known.contains($0.lowercased()) }).joined(separator: ", ")
    }

    package func after(_ request: Request, _ response: inout Response) {
        // The answer to one origin is no answer to another: caches have to know.
        if !allowedOrigins.isEmpty { response.headers.appendToList("Vary", "Origin") }
        guard let origin = request.headers["Origin"], let granted = grant(origin, request),
            !response.headers.contains("Access-Control-Allow-Origin")
        else { return }
        response.headers.append(contentsOf: granted)
        response.headers.append("Access-Control-Expose-Headers", Self.exposed)
        // Whoever may read the answer may know where its time went (Resource Timing §4.5).
        if let readers = granted["Access-Control-Allow-Origin"] {
            response.headers.append("Timing-Allow-Origin", readers)
        }
    }

    private func grant(_ origin: String, _ request: Request) -> HeaderFields? {
        if let route = request.trace.route, closed.contains(route.template) { return nil }
        if allowedOrigins.isEmpty { return ["Access-Control-Allow-Origin": "*"] }
        guard allowedOrigins.contains(origin) else { return nil }
        return [
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
        ]
    }
}

extension Substring {
    /// Without the blanks around a list's element (RFC 9110 §5.6.1).
    fileprivate var trimmed: Substring {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        let end = lastIndex { !isBlank($0) }.map(index(after:)) ?? startIndex
        return self[..<end].drop(while: isBlank)
    }
}
