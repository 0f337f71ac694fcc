// SPDX-License-Identifier: Apache-2.0
package import LucarneCore
package import QueryPlanner

/// A request to REST as it came, before it means anything.
package struct RestMessage: Sendable {
    package struct Header: Sendable {
        /// In lower case.
        package let name: String
        package let value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var method: String
    /// Below the mount, as it was sent: `/films`.
    package var path: String
    package var query: String
    package var headers: [Header]
    package var body: [UInt8]

    package init(
        method: String,
        path: String,
        query: String = "",
        headers: [Header] = [],
        body: [UInt8] = []
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    func header(_ name: String) -> String? {
        headers.first { $0.name == name }?.value
    }
}

/// A request whose method, path, headers and body are well formed. What its query string says is
/// the planner's to read.
package struct RestRequest: Sendable {
    package let message: RestMessage
    package let action: RestAction
    package let schema: String
    /// The response names the schema, because there are several to choose from.
    package let namesSchema: Bool
    package let preferences: Preferences
    package let accepted: [MediaType]
    package let contentType: MediaType

    package init(_ message: RestMessage, _ settings: RestSettings) throws(Problem) {
        self.message = message
        let resource = try RestResource(Self.segments(of: message.path), settings)
        let asked = Self.profile(of: message)
        if let asked, !settings.schemas.contains(asked) {
            throw .unknownSchema(asked, exposed: settings.schemas)
        }
        schema = asked ?? settings.schemas.first ?? "public"
        namesSchema = asked != nil || settings.schemas.count != 1
        action = try RestAction(method: message.method, resource: resource, schema: schema)
        preferences = Preferences(
            headers: message.headers.filter { $0.name == "prefer" }.map(\.value),
            transactionOverride: settings.transactionEnd.allowsOverride
        )
        accepted = AcceptHeader.mediaTypes(message.header("accept"))
        contentType = message.header("content-type").map(MediaType.init(parsing:)) ?? .json
    }

    /// W3C content negotiation by profile: a write names the schema of what it sends.
    private static func profile(of message: RestMessage) -> String? {
        switch message.method {
        case "POST", "PATCH", "PUT", "DELETE": message.header("content-profile")
        default: message.header("accept-profile")
        }
    }

    /// The decoded parts of a path; what follows a slash at the end is a part, if an empty one.
    static func segments(of path: String) -> [String] {
        let rest = path.utf8.drop { $0 == UInt8(ascii: "/") }
        guard !rest.isEmpty else { return [] }
        return rest.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { FormFields.decoded(Array($0)[...], plusIsSpace: false) }
    }

    package var cookies: [(name: String, value: String)] {
        (message.header("cookie") ?? "").split(separator: ";").map { cookie in
            let parts = cookie.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = parts[0].drop { $0 == " " }
            return (String(name), parts.count > 1 ? String(parts[1]) : "")
        }
    }

    /// RFC 9110 §14.2: `Range` has a meaning for GET alone.
    var rangeHeader: String? { message.method == "GET" ? message.header("range") : nil }
}
