// SPDX-License-Identifier: Apache-2.0
import Cryptography
package import EventLoop
import HTTPServer

/// Who may look inside, by what the request says: whoever has the token, where there is one, and
/// never a web page that has its reader's browser ask.
package struct OperationsAccess: Sendable {
    enum Refusal: String {
        case otherSite = "other_site"
        case otherHost = "other_host"
        case publicName = "public_name"
        case noToken = "no_token"
        case wrongToken = "wrong_token"
    }

    private let token: String?
    private let isLoopback: Bool
    /// On a listener that serves nothing else.
    private let isApart: Bool

    package init(token: String? = nil, on address: SocketAddress? = nil, isApart: Bool = true) {
        self.token = token
        isLoopback = address?.isLoopback ?? false
        self.isApart = isApart
    }

    var asksForToken: Bool { token != nil }

    /// - Parameter isScrape: asked by a Prometheus, which off this machine may know a public name.
    func refusal(of request: Request, isScrape: Bool = false) -> Refusal? {
        if request.isFromAnotherSite { return .otherSite }
        guard let token else {
            // A name that leads here may be anybody's (DNS rebinding); a page cannot choose it where
            // it has to be an address, or a name that nobody can register.
            if request.isForThisMachine { return nil }
            if isLoopback { return .otherHost }
            return isScrape || request.isUnderPrivateName ? nil : .publicName
        }
        guard let given = request.headers["Authorization"] else { return .noToken }
        return Self.password(in: given).map { Self.matches($0, token) } == true ? nil : .wrongToken
    }

    /// Whether a probe may tell its reasons, which is more than yes or no.
    func admitsToDetails(_ request: Request) -> Bool {
        (asksForToken || isApart || isLoopback) && refusal(of: request) == nil
    }

    /// What programs send as a bearer's token, browsers send as a password (RFC 7617 §2).
    private static func password(in authorization: String) -> String? {
        let parts = authorization.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let credential = String(parts[1].drop { $0 == " " })
        switch parts[0].lowercased() {
        case "bearer": return credential
        case "basic":
            guard let bytes = Base64.standard.decode(credential),
                let colon = bytes.firstIndex(of: UInt8(ascii: ":"))
            else { return nil }
            return String(decoding: bytes[(colon + 1)...], as: UTF8.self)
        default: return nil
        }
    }

    /// Takes as long for a wrong token as for the right one.
    private static func matches(_ given: String, _ wanted: String) -> Bool {
        let (given, wanted) = (Array(given.utf8), Array(wanted.utf8))
        guard given.count == wanted.count else { return false }
        return zip(given, wanted).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

extension OperationsAccess.Refusal {
    var response: Response {
        switch self {
        case .otherSite:
            Response(status: 403, problem: "pages of another site may not ask here")
        case .otherHost:
            Response(
                status: 403,
                problem: "without a token, the host must be localhost or an address"
            )
        case .publicName:
            Response(
                status: 403,
                problem: "set LUCARNE_OPERATIONS_TOKEN, or ask by an address or a name that nobody "
                    + "can register: one without a dot, or below "
                    + Request.privateDomains.joined(separator: ", ")
            )
        case .noToken, .wrongToken: Self.unauthorized
        }
    }

    private static var unauthorized: Response {
        var response = Response(
            status: 401,
            problem: "a token is needed here: as a bearer's, or as the password of any user"
        )
        // A field each: not every browser looks for a second scheme in one.
        response.headers.append("WWW-Authenticate", "Bearer")
        response.headers.append("WWW-Authenticate", "Basic realm=\"Lucarne operations\"")
        return response
    }
}

extension Request {
    /// Whether a page of another site made its reader's browser send this (Fetch Metadata §2.3,
    /// Fetch §3.2).
    ///
    /// A link that the reader follows is no such thing: it is how a board opens a trace, and the
    /// page that has the link sees nothing of it.
    fileprivate var isFromAnotherSite: Bool {
        if let origin = headers["Origin"] {
            let authority = origin.firstRange(of: "://").map { origin[$0.upperBound...] }
            guard let authority, authority.lowercased() == headers["Host"]?.lowercased() else {
                return true
            }
        }
        switch headers["Sec-Fetch-Site"] {
        case nil, "same-origin", "none": return false
        default:
            let isFollowedLink =
                method == .get && headers["Sec-Fetch-Mode"] == "navigate"
                && headers["Sec-Fetch-Dest"] == "document"
            return !isFollowedLink
        }
    }

    /// Whether it was addressed by number, or to `localhost`, which no name server is asked for
    /// (RFC 6761 §6.3). Browsers always send a host.
    fileprivate var isForThisMachine: Bool {
        guard let host = headers["Host"], !host.isEmpty, !host.hasPrefix("[") else { return true }
        let name = hostName
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        return name == "localhost" || name.hasSuffix(".localhost")
            || numbers.count == 4 && numbers.allSatisfy { UInt8($0) != nil }
    }

    /// Whether it was addressed to a name that only its own network can give: a container has one
    /// without a dot, a Service one below `svc` or `cluster.local`.
    fileprivate var isUnderPrivateName: Bool {
        let name = hostName
        return !name.contains(".") || Self.privateDomains.contains { name.hasSuffix(".\($0)") }
    }

    /// Of no registry: RFC 6761 §6, RFC 6762 §3, RFC 8375, ICANN's resolution of 2024 on `internal`,
    /// and what Kubernetes calls its Services.
    fileprivate static let privateDomains = [
        "localhost", "local", "internal", "home.arpa", "test", "svc",
    ]

    private var hostName: String { headers["Host"]?.prefix { $0 != ":" }.lowercased() ?? "" }
}
