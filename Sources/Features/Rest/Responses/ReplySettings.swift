// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import LucarneCore

/// What SQL said about its own response, by `set_config('response.status', …)` and
/// `set_config('response.headers', …)`.
struct ReplySettings {
    let status: Int?
    let headers: HeaderFields

    init(status: String?, headers: String?) throws(Problem) {
        self.status = try status.map(Self.status)
        self.headers = try headers.map(Self.headers) ?? [:]
    }

    private static func status(_ text: String) throws(Problem) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let status = Int(digits), (200...999).contains(status) else {
            throw .responseStatus
        }
        return status
    }

    /// `[{"Set-Cookie": "…"}, …]`: a list, because header names may repeat.
    private static func headers(_ text: String) throws(Problem) -> HeaderFields {
        guard let elements = (try? JSONValue(parsing: Array(text.utf8)))?.array else {
            throw .responseHeaders
        }
        var headers: HeaderFields = [:]
        for element in elements {
            guard let members = element.members, members.count == 1,
                let value = members[0].1.string
            else { throw .responseHeaders }
            headers.append(members[0].0, value)
        }
        return headers
    }

    /// Headers of SQL replace those of the same name.
    func apply(to reply: RestReply) -> RestReply {
        var reply = reply
        reply.status = status ?? reply.status
        reply.headers.replace(with: headers)
        return reply
    }
}
