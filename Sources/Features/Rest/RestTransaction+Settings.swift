// SPDX-License-Identifier: Apache-2.0
import JSONCoding
import LucarneCore
import QueryPlanner

extension RestTransaction.Setting {
    /// What functions and policies can read about a request (`current_setting('request.headers')`).
    static func all(
        of request: RestRequest,
        from identity: Identity,
        _ state: RestState,
        routine: Routine?
    ) -> [RestTransaction.Setting] {
        let path = [request.schema] + state.settings.extraSearchPath
        let names = path.map { QualifiedName("", $0).quoted }
        var settings = [RestTransaction.Setting("search_path", names.joined(separator: ", "))]
        settings += state.roles[identity.role]?.settings ?? []
        settings += [
            RestTransaction.Setting("role", identity.role),
            RestTransaction.Setting("request.jwt.claims", identity.claims),
            RestTransaction.Setting("request.method", request.message.method),
            RestTransaction.Setting("request.path", request.message.path),
            RestTransaction.Setting("request.headers", headers(request)),
            RestTransaction.Setting("request.cookies", cookies(request)),
        ]
        if let zone = request.preferences.timeZone {
            settings.append(RestTransaction.Setting("timezone", zone))
        }
        settings += (routine?.settings ?? []).map { RestTransaction.Setting($0.name, $0.value) }
        settings += state.settings.appSettings.map { RestTransaction.Setting($0.name, $0.value) }
        return settings
    }

    private static func headers(_ request: RestRequest) -> String {
        object(
            request.message.headers.lazy.filter { $0.name != "cookie" }.map { ($0.name, $0.value) }
        )
    }

    private static func cookies(_ request: RestRequest) -> String {
        object(request.cookies.lazy.map { ($0.name, $0.value) })
    }

    private static func object(_ members: some Sequence<(String, String)>) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (name, value) in members {
            if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
            appendJSONString(name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            appendJSONString(value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension QualifiedName {
    /// As SQL names it.
    var quoted: String {
        let parts = schema.isEmpty ? [name] : [schema, name]
        return parts.map { part in
            let pieces = part.split(separator: "\"", omittingEmptySubsequences: false)
            return "\"" + pieces.joined(separator: "\"\"") + "\""
        }.joined(separator: ".")
    }
}
