// SPDX-License-Identifier: Apache-2.0

extension JSONValue {
    /// Appends the compact form: no space anywhere, members in their order.
    package func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: bytes.append(contentsOf: "null".utf8)
        case .bool(let flag): bytes.append(contentsOf: (flag ? "true" : "false").utf8)
        case .number(let text): bytes.append(contentsOf: text.utf8)
        case .string(let text): appendJSONString(text, to: &bytes)
        case .array(let elements): append(elements, to: &bytes)
        case .object(let members): append(members, to: &bytes)
        }
    }

    package var compactBytes: [UInt8] {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return bytes
    }

    package var compactText: String { String(decoding: compactBytes, as: UTF8.self) }

    private func append(_ elements: [JSONValue], to bytes: inout [UInt8]) {
        bytes.append(0x5B)
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            element.append(to: &bytes)
        }
        bytes.append(0x5D)
    }

    private func append(_ members: [(String, JSONValue)], to bytes: inout [UInt8]) {
        bytes.append(0x7B)
        for (index, member) in members.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            appendJSONString(member.0, to: &bytes)
            bytes.append(0x3A)
            member.1.append(to: &bytes)
        }
        bytes.append(0x7D)
    }
}
