// SPDX-License-Identifier: Apache-2.0

/// Where telemetry is sent, and what is said there of the sender.
package struct ExportEndpoint: Sendable, Equatable {
    package var host: String
    package var port: String
    /// Without a slash at its end.
    package var path: String
    /// Sent with each request: a tenant, a token.
    package var headers: [(name: String, value: String)] = []

    /// `http://host[:port][/path]`. TLS is for the collector next door to add.
    package init?(_ url: String) {
        guard url.lowercased().hasPrefix("http://") else { return nil }
        let rest = url.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" }
        path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            port = String(authority[authority.index(after: end)...].drop { $0 == ":" })
        } else {
            let parts = authority.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2 else { return nil }
            host = String(parts[0])
            port = parts.count == 2 ? String(parts[1]) : ""
        }
        if port.isEmpty { port = "80" }
        // What goes into a request's head must not end a line there.
        let isClean = (host + path).utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x40 }
        guard UInt16(port) != nil, !host.isEmpty, isClean else { return nil }
    }

    /// The endpoint's path with another one behind it.
    func appending(_ suffix: String) -> ExportEndpoint {
        var endpoint = self
        endpoint.path += suffix
        return endpoint
    }

    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    package static func == (left: ExportEndpoint, right: ExportEndpoint) -> Bool {
        left.authority == right.authority && left.path == right.path
            && left.headers.elementsEqual(right.headers) { $0 == $1 }
    }
}
