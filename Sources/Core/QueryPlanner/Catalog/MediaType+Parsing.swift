// SPDX-License-Identifier: Apache-2.0

extension MediaType {
    /// Reads one media range, without its weight. What is not understood is kept as `.other`.
    package init(parsing text: String) {
        let parts = MediaTypeText(text)
        let nullsStripped = parts?.parameter("nulls") == "stripped"
        switch parts?.essence {
        case "application/json": self = .json
        case "application/geo+json": self = .geoJSON
        case "text/csv": self = .csv
        case "text/plain": self = .plainText
        case "text/xml": self = .xml
        case "application/openapi+json": self = .openAPI
        case "application/x-www-form-urlencoded": self = .urlEncoded
        case "application/octet-stream": self = .octetStream
        case "application/vnd.pgrst.plan", "application/vnd.pgrst.plan+text":
            self = Self.plan(parts, .text)
        case "application/vnd.pgrst.plan+json": self = Self.plan(parts, .json)
        case "application/vnd.pgrst.object+json", "application/vnd.pgrst.object":
            self = .singular(nullsStripped: nullsStripped)
        case "application/vnd.pgrst.array+json", "application/vnd.pgrst.array":
            self = nullsStripped ? .arrayNullsStripped : .json
        case "*/*": self = .any
        default: self = .other(text)
        }
    }

    private static func plan(_ parts: MediaTypeText?, _ format: PlanFormat) -> MediaType {
        let asked = parts?.parameter("options")?.split(separator: "|").map(String.init) ?? []
        let options = PlanOptions(
            PlanOptions.named.filter { asked.contains($0.name) }.map(\.option)
        )
        let type = MediaType(parsing: parts?.parameter("for") ?? "application/json")
        return .plan(of: type, format: format, options: options)
    }
}

/// The pieces of `type/subtype; name=value; name="value"` (RFC 9110 §8.3.1). Stops quietly at the
/// first parameter that is not one.
private struct MediaTypeText {
    let essence: String
    private var parameters: [(name: String, value: String)] = []

    init?(_ text: String) {
        var rest = Substring(text).utf8
        let type = Self.take(&rest) {
            Self.isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == 42
        }
        guard !type.isEmpty, rest.popFirst() == UInt8(ascii: "/") else { return nil }
        let subtype = Self.take(&rest) { Self.isAlphanumeric($0) || ".*+-".utf8.contains($0) }
        guard !subtype.isEmpty else { return nil }
        essence = type.lowercased() + "/" + subtype.lowercased()
        while let parameter = Self.parameter(&rest) { parameters.append(parameter) }
    }

    func parameter(_ name: String) -> String? {
        parameters.last { $0.name == name }?.value
    }

    private static func parameter(
        _ rest: inout Substring.UTF8View
    ) -> (name: String, value: String)? {
        skipSpaces(&rest)
        guard rest.popFirst() == UInt8(ascii: ";") else { return nil }
        skipSpaces(&rest)
        let name = take(&rest) { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        skipSpaces(&rest)
        guard !name.isEmpty, rest.popFirst() == UInt8(ascii: "=") else { return nil }
        skipSpaces(&rest)
        guard rest.first == UInt8(ascii: "\"") else {
            let value = take(&rest) { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == 124 }
            return value.isEmpty ? nil : (name.lowercased(), value)
        }
        rest.removeFirst()
        let value = take(&rest) { $0 != UInt8(ascii: "\"") }
        guard rest.popFirst() != nil else { return nil }
        return (name.lowercased(), value)
    }

    private static func take(
        _ rest: inout Substring.UTF8View,
        while belongs: (UInt8) -> Bool
    ) -> String {
        let taken = rest.prefix(while: belongs)
        rest = rest[taken.endIndex...]
        return String(Substring(taken))
    }

    private static func skipSpaces(_ rest: inout Substring.UTF8View) {
        rest = rest.drop { $0 == 32 || $0 == 9 }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
    }
}
