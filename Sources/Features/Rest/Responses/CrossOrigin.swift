// SPDX-License-Identifier: Apache-2.0

/// What a browser wants to know before a page of another origin may read a response
/// (Fetch Standard §3.2).
package struct CrossOrigin: Sendable {
    package struct Header: Equatable, Sendable {
        package let name: String
        package let value: String
    }

    /// Empty lets every origin read, without credentials.
    let allowedOrigins: [String]

    package init(allowedOrigins: [String]) {
        self.allowedOrigins = allowedOrigins
    }

    private static let methods = ["GET", "POST", "PATCH", "PUT", "DELETE", "OPTIONS", "HEAD"]
    private static let safelistedHeaders = ["Accept", "Accept-Language", "Content-Language"]
    private static let exposedHeaders = [
        "Content-Encoding", "Content-Location", "Content-Range", "Content-Type", "Date",
        "Location", "Server", "Transfer-Encoding", "Range-Unit",
    ]

    /// For a response to a request from `origin`; none where that origin may not read it.
    package func headers(for origin: String?) -> [Header] {
        guard let origin, let granted = grant(origin) else { return [] }
        let exposed = Self.exposedHeaders.joined(separator: ", ")
        return granted + [Header(name: "Access-Control-Expose-Headers", value: exposed)]
    }

    /// The whole answer to a preflight; nil where the request is none, or asks in vain.
    package func preflight(
        origin: String?,
        requestedMethod: String?,
        requestedHeaders: String?
    ) -> [Header]? {
        guard let origin, let method = requestedMethod, Self.methods.contains(method),
            let granted = grant(origin)
        else { return nil }
        var headers = granted
        let methods = Self.methods.joined(separator: ", ")
        headers.append(Header(name: "Access-Control-Allow-Methods", value: methods))
        let asked = (requestedHeaders ?? "").split(separator: ",").map {
            String($0.trimmingBlanks())
        }
        let accepted = ["Authorization"] + asked + Self.safelistedHeaders
        headers.append(
            Header(
                name: "Access-Control-Allow-Headers",
                value: accepted.joined(separator: ", ")
            )
        )
        headers.append(Header(name: "Access-Control-Max-Age", value: "86400"))
        return headers
    }

    private func grant(_ origin: String) -> [Header]? {
        if allowedOrigins.isEmpty {
            return [Header(name: "Access-Control-Allow-Origin", value: "*")]
        }
        guard allowedOrigins.contains(origin) else { return nil }
        return [
            Header(name: "Access-Control-Allow-Origin", value: origin),
            Header(name: "Access-Control-Allow-Credentials", value: "true"),
        ]
    }
}
