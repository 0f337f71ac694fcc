// SPDX-License-Identifier: Apache-2.0

/// What was expected where, in the form that clients of the dialect already know: PostgREST reports
/// its parser library's errors as they are (Leijen & Meijer, "Parsec: Direct Style Monadic Parser
/// Combinators for the Real World", §4). The furthest position wins; at one position messages add
/// up.
struct ParseError {
    enum Message: Equatable {
        case systemUnexpected(String)
        case unexpected(String)
        case expected(String)
    }

    private(set) var position = 0
    private(set) var messages: [Message] = []

    mutating func clear() {
        position = 0
        messages.removeAll(keepingCapacity: true)
    }

    mutating func merge(_ other: ParseError) {
        guard !other.messages.isEmpty else { return }
        if messages.isEmpty || other.position > position {
            self = other
        } else if other.position == position {
            // Each alternative brings what those before it have said already.
            for message in other.messages where !messages.contains(message) {
                messages.append(message)
            }
        }
    }

    mutating func merge(at position: Int, _ messages: Message...) {
        var other = ParseError()
        other.position = position
        other.messages = messages
        merge(other)
    }

    /// Speaks of `label` instead of its parts.
    mutating func relabel(_ label: String) {
        guard !messages.isEmpty else { return }
        messages.removeAll { if case .expected = $0 { true } else { false } }
        messages.append(.expected(label))
    }

    var details: String {
        var parts: [String] = []
        if let unexpected = firstUnexpected { parts.append("unexpected " + unexpected) }
        if let expected { parts.append("expecting " + expected) }
        return parts.isEmpty ? "unknown parse error" : parts.joined(separator: " ")
    }

    private var firstUnexpected: String? {
        var fromSystem: String?
        var named: [String] = []
        for message in messages {
            switch message {
            case .systemUnexpected(let text): fromSystem = fromSystem ?? text
            case .unexpected(let text): if !named.contains(text) { named.append(text) }
            case .expected: break
            }
        }
        if !named.isEmpty { return Self.listed(named) }
        return fromSystem.map { $0.isEmpty ? "end of input" : $0 }
    }

    private var expected: String? {
        var names: [String] = []
        for case .expected(let name) in messages where !names.contains(name) { names.append(name) }
        return names.isEmpty ? nil : Self.listed(names)
    }

    private static func listed(_ names: [String]) -> String {
        guard names.count > 1, let last = names.last else { return names.first ?? "" }
        return names.dropLast().joined(separator: ", ") + " or " + last
    }
}

extension ParseError {
    /// `text` as Haskell would show it: in quotes, escaped.
    static func shown(_ text: String, quote: Unicode.Scalar = "\"") -> String {
        var result = String.UnicodeScalarView()
        result.append(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case quote, "\\": result += [("\\" as Unicode.Scalar), scalar]
            case "\n": result += "\\n".unicodeScalars
            case "\t": result += "\\t".unicodeScalars
            case "\r": result += "\\r".unicodeScalars
            case " "..."~": result.append(scalar)
            default: result += "\\\(scalar.value)".unicodeScalars
            }
        }
        result.append(quote)
        return String(result)
    }
}
