// SPDX-License-Identifier: Apache-2.0
package import HTTPServer
package import LucarneCore
package import QueryPlanner

/// A request to REST as it came, before it means anything.
package struct RestMessage: Sendable {
    package let method: String
    /// Below the mount, as it was sent: `/films`.
    package let path: String
    /// Still percent-encoded.
    package let query: ArraySlice<UInt8>
    package let headers: HeaderFields
    package let body: [UInt8]

    package init(
        method: String,
        path: String,
        query: ArraySlice<UInt8> = [],
        headers: HeaderFields = [:],
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// RFC 9110 §14.2: `Range` has a meaning for GET alone.
    var rangeHeader: String? { method == "GET" ? headers["range"] : nil }

    var cookies: [(name: String, value: String)] {
        guard let header = headers["cookie"] else { return [] }
        return header.split(separator: ";").map { cookie in
            let parts = cookie.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].drop { $0 == " " }
            return (String(name), parts.count > 1 ? String(parts[1]) : "")
        }
    }
}

/// What a request's method, path and headers say, well formed: the same for all requests that say
/// the same.
package struct RestTerms: Sendable {
    package let action: RestAction
    package let schema: String
    /// The response names the schema, because there are several to choose from.
    package let namesSchema: Bool
    package let preferences: Preferences
    package let accepted: [MediaType]
    package let contentType: MediaType
    /// Low in cardinality: `SELECT films`.
    let summary: String

    init(_ message: RestMessage, _ settings: RestSettings) throws(Problem) {
        let resource = try RestResource(Self.segments(of: message.path), settings)
        let asked = Self.profile(of: message)
        if let asked {
            // The settings' own string: a statement's series are found by where it lies.
            guard let exposed = settings.schemas.first(where: { $0 == asked }) else {
                throw .unknownSchema(asked, exposed: settings.schemas)
            }
            schema = exposed
        } else {
            schema = settings.schemas.first ?? "public"
        }
        namesSchema = asked != nil || settings.schemas.count != 1
        action = try RestAction(method: message.method, resource: resource, schema: schema)
        summary = action.summary
        preferences = Preferences(
            headers: message.headers.values(of: "prefer"),
            transactionOverride: settings.transactionEnd.allowsOverride
        )
        accepted = AcceptHeader.mediaTypes(message.headers["accept"])
        contentType = message.headers["content-type"].map(MediaType.init(parsing:)) ?? .json
    }

    /// W3C content negotiation by profile: a write names the schema of what it sends.
    private static func profile(of message: RestMessage) -> String? {
        switch message.method {
        case "POST", "PATCH", "PUT", "DELETE": message.headers["content-profile"]
        default: message.headers["accept-profile"]
        }
    }

    /// The decoded parts of a path; what is between two slashes, or after one at the end, is a part,
    /// if an empty one.
    static func segments(of path: String) -> [String] {
        let slash = UInt8(ascii: "/")
        let rest = path.utf8.dropFirst(path.utf8.first == slash ? 1 : 0)
        guard !rest.isEmpty else { return [] }
        return rest.split(separator: slash, omittingEmptySubsequences: false)
            .map { FormFields.decoded(Array($0)[...], plusIsSpace: false) }
    }

    /// `handling=strict` refuses wishes nobody understood.
    var refusedPreferences: Problem? {
        guard preferences.handling == .strict, !preferences.unknown.isEmpty else { return nil }
        return .invalidPreferences(preferences.unknown)
    }
}

/// A request whose method, path, headers and body are well formed. What its query string says is
/// the planner's to read.
package struct RestRequest: Sendable {
    package let message: RestMessage
    package let terms: RestTerms

    package init(_ message: RestMessage, _ settings: RestSettings) throws(Problem) {
        self.message = message
        terms = try RestTerms(message, settings)
    }
}

extension RestRequest {
    /// What a query string asks for, in itself or in the shape of one, and which rows of that.
    func asked(
        by query: some Sequence<UInt8>
    ) throws(PlannerFailure) -> (query: RequestQuery, range: RowRange) {
        let isCall = terms.action.isFunctionRead
        let query = try RequestQuery(parsing: query, isCall: isCall, ignoring: ["apikey"])
        return (query, try RowRange.topLevel(of: query, rangeHeader: message.rangeHeader))
    }

    /// Refuses a malformed query where a well-formed one changes nothing, as the dialect does.
    func checkQuery() throws(PlannerFailure) { _ = try asked(by: message.query) }
}
