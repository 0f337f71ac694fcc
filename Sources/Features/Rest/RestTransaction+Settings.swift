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
        var settings: [RestTransaction.Setting] = []
        settings.reserveCapacity(12 + state.appSettings.count)
        settings.append(state.searchPath(from: request.schema))
        if let role = state.roles[identity.role] { settings += role.settings }
        settings.append(RestTransaction.Setting("role", identity.role))
        settings.append(RestTransaction.Setting("request.jwt.claims", identity.claims))
        settings.append(RestTransaction.Setting("request.method", request.message.method))
        settings.append(RestTransaction.Setting("request.path", request.message.path))
        settings.append(RestTransaction.Setting("request.headers", headers(request)))
        settings.append(RestTransaction.Setting("request.cookies", cookies(request)))
        if let zone = request.preferences.timeZone {
            settings.append(RestTransaction.Setting("timezone", zone))
        }
        for setting in routine?.settings ?? [] {
            settings.append(RestTransaction.Setting(setting.name, setting.value))
        }
        settings += state.appSettings
        return settings
    }

    private static func headers(_ request: RestRequest) -> String {
        object(
            request.message.headers.lazy.filter { $0.name != "cookie" }.map { ($0.name, $0.value) }
        )
    }

    private static func cookies(_ request: RestRequest) -> String {
        let cookies = request.cookies
        return cookies.isEmpty ? "{}" : object(cookies.lazy.map { ($0.name, $0.value) })
    }

    private static func object(_ members: some Sequence<(String, String)>) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes.append(UInt8(ascii: "{"))
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
        let name = Self.quoted(name)
        return schema.isEmpty ? name : Self.quoted(schema) + "." + name
    }

    private static func quoted(_ name: String) -> String {
        guard name.utf8.contains(UInt8(ascii: "\"")) else { return "\"" + name + "\"" }
        let pieces = name.split(separator: "\"", omittingEmptySubsequences: false)
        return "\"" + pieces.joined(separator: "\"\"") + "\""
    }
}
