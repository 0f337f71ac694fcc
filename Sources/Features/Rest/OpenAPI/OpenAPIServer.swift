// SPDX-License-Identifier: Apache-2.0

extension OpenAPIDocument.Server {
    /// What a proxy in front is called, if the settings say so; else where this process listens.
    init(_ settings: RestSettings) {
        if let proxy = settings.openAPIServerProxyURI.flatMap(Self.init(proxy:)) {
            self = proxy
            return
        }
        self.init(host: settings.serverHost, port: settings.serverPort, path: settings.path)
    }

    /// `https://example.com:8443/api`; nil for what is no such URI.
    init?(proxy: String) {
        guard let mark = proxy.firstRange(of: "://") else { return nil }
        let scheme = proxy[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        let rest = proxy[mark.upperBound...]
        guard !rest.contains(where: { "?@".contains($0) }) else { return nil }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let authority = rest[..<slash].split(separator: ":", omittingEmptySubsequences: false)
        guard let host = authority.first, !host.isEmpty, authority.count <= 2 else { return nil }
        let port = authority.count == 2 ? Int(authority[1]) : scheme == "http" ? 80 : 443
        guard let port, (1...65535).contains(port) else { return nil }
        let path = slash == rest.endIndex ? "/" : String(rest[slash...])
        self.init(scheme: scheme, host: String(host), port: port, path: path)
    }
}
