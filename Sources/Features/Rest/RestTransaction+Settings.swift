// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import LucarneCore
import Persistence
import PostgresClient
import QueryPlanner

extension LocalSettings {
    /// What functions and policies can read about a request (`current_setting('request.headers')`).
    init(
        of message: RestMessage,
        _ terms: RestTerms,
        from identity: Identity,
        _ state: RestState,
        routine: Routine?
    ) {
        let zone = terms.preferences.timeZone
        var values = Parameters()
        values.reserve(13 + state.appSettings.count, bytes: 1_024)
        values.append(state.searchPath(from: terms.schema))
        for setting in state.generalSettings { values.append(setting.value) }
        for setting in state.roles[identity.role]?.settings ?? [] { values.append(setting.value) }
        values.append(identity.role)
        values.append(identity.claims)
        values.append(message.method)
        values.append(message.path)
        values.append { message.appendHeaders(to: &$0) }
        values.append { message.appendCookies(to: &$0) }
        if let zone { values.append(zone) }
        for setting in routine?.settings ?? [] { values.append(setting.value) }
        for setting in state.appSettings { values.append(setting.value) }
        let names = state.settingNames(
            for: identity.role,
            hasTimeZone: zone != nil,
            routine: routine
        )
        self.init(names, values)
    }
}

extension RestState {
    /// The settings' names in the order in which `LocalSettings` has their values: the more specific
    /// come later, and win. The role's own come before the role is taken on: it may not be allowed
    /// to set them.
    static func names(
        _ generalSettings: [RestTransaction.Setting],
        role: RoleSettings?,
        hasTimeZone: Bool,
        routine: Routine?,
        _ appSettings: [RestTransaction.Setting]
    ) -> LocalSettings.Names {
        var names = ["search_path"]
        for setting in generalSettings { names.append(setting.name) }
        for setting in role?.settings ?? [] { names.append(setting.name) }
        names += ["role", "request.jwt.claims", "request.method", "request.path"]
        names += ["request.headers", "request.cookies"]
        if hasTimeZone { names.append("timezone") }
        for setting in routine?.settings ?? [] { names.append(setting.name) }
        for setting in appSettings { names.append(setting.name) }
        return LocalSettings.Names(names)
    }
}

extension RestMessage {
    fileprivate func appendHeaders(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        var name: [UInt8] = []
        headers.forEach { field, value in
            name.removeAll(keepingCapacity: true)
            for index in field.indices {
                let byte = field[index]
                name.append((65...90).contains(byte) ? byte | 0x20 : byte)
            }
            guard !name.elementsEqual("cookie".utf8) else { return }
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            appendJSONString(utf8: name.span, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            appendJSONString(lossy: value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    fileprivate func appendCookies(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, cookie) in cookies.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            appendJSONString(cookie.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            appendJSONString(cookie.value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
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
