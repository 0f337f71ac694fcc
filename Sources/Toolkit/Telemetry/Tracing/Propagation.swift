// SPDX-License-Identifier: Apache-2.0

/// What other systems say in a `tracestate` (W3C Trace Context §3.3), and what we say there.
package struct TraceState: Equatable, Sendable {
    /// Members of others, in their order.
    private(set) var others: [String] = []
    /// Our member says that this trace is to be kept.
    private(set) var asksToKeep = false

    private static let key = "lucarne"
    private static let membersMax = 32

    /// Nil when it breaks the rules: then it is dropped as a whole, as the specification wants.
    /// Several headers are one list, joined by commas.
    init?(parsing header: String) {
        var keys: Set<Substring> = []
        for member in header.split(separator: ",") {
            let member = member.trimmingSpaces()
            if member.isEmpty { continue }
            let parts = member.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, Self.isKey(parts[0]), Self.isValue(parts[1]),
                keys.insert(parts[0]).inserted, keys.count <= Self.membersMax
            else { return nil }
            if parts[0] == Self.key {
                asksToKeep = parts[1] == "keep"
            } else {
                others.append(String(member))
            }
        }
    }

    /// Ours comes first; of too many others, the last go.
    func text(own: String) -> String {
        (["\(Self.key)=\(own)"] + others.prefix(Self.membersMax - 1)).joined(separator: ",")
    }

    /// `[a-z0-9][a-z0-9_*/-]*`, possibly `tenant@system`.
    private static func isKey(_ text: Substring) -> Bool {
        guard (1...256).contains(text.utf8.count), let first = text.utf8.first else { return false }
        let isLetterOrDigit = { (byte: UInt8) in (0x61...0x7A ~= byte) || (0x30...0x39 ~= byte) }
        return isLetterOrDigit(first) && text.utf8.count { $0 == UInt8(ascii: "@") } <= 1
            && text.utf8.allSatisfy { isLetterOrDigit($0) || "_-*/@".utf8.contains($0) }
    }

    /// Printable ASCII but for commas and equals signs, not ending with a space.
    private static func isValue(_ text: Substring) -> Bool {
        (1...256).contains(text.utf8.count) && text.last != " "
            && text.utf8.allSatisfy { 0x20...0x7E ~= $0 && $0 != 0x2C && $0 != 0x3D }
    }
}

/// The part of a caller's `baggage` (W3C Baggage) that may be looked at: anybody can put anything
/// there, so nothing of it is used that is not on a list.
package enum Baggage {
    private static let membersMax = 64
    private static let bytesMax = 8_192

    /// The allowed members as they came, without their properties; nil when there are none.
    package static func allowed(_ header: String, keys: Set<String>) -> String? {
        guard !keys.isEmpty, header.utf8.count <= bytesMax else { return nil }
        let members = header.split(separator: ",")
        guard members.count <= membersMax else { return nil }
        let allowed = members.compactMap { member -> String? in
            let pair = member.prefix { $0 != ";" }
                .split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { return nil }
            let (key, value) = (pair[0].trimmingSpaces(), pair[1].trimmingSpaces())
            guard keys.contains(String(key)), value.utf8.allSatisfy(isValueByte) else { return nil }
            return "\(key)=\(value)"
        }
        return allowed.isEmpty ? nil : allowed.joined(separator: ",")
    }

    /// `baggage-octet`: ASCII without controls, spaces, quotes, commas, semicolons, backslashes.
    private static func isValueByte(_ byte: UInt8) -> Bool {
        0x21...0x7E ~= byte && !"\",;\\".utf8.contains(byte)
    }
}
