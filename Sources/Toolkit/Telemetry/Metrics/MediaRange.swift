// SPDX-License-Identifier: Apache-2.0

/// One element of an `Accept` header (RFC 9110 §12.5.1), in lower case.
package struct MediaRange {
    package var type: String
    private var parameters: [String: String] = [:]

    package static func all(in accept: String?) -> [MediaRange] {
        parts(of: (accept ?? "")[...], at: ",").map(MediaRange.init)
    }

    private init(_ text: Substring) {
        var parts = Self.parts(of: text, at: ";").map { $0.trimmingSpaces().lowercased() }[...]
        type = parts.popFirst() ?? ""
        for part in parts {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { continue }
            parameters[String(pair[0].trimmingSpaces())] = Self.value(pair[1].trimmingSpaces())
        }
    }

    package subscript(_ name: String) -> String? { parameters[name] }

    package var quality: Double { parameters["q"].map { Double($0) ?? 0 } ?? 1 }

    /// What is in quotes is one piece.
    private static func parts(of text: Substring, at separator: Character) -> [Substring] {
        var (isQuoted, isEscaped) = (false, false)
        return text.split { character in
            if isEscaped {
                isEscaped = false
            } else if isQuoted, character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                isQuoted.toggle()
            }
            return !isQuoted && character == separator
        }
    }

    /// A token, or what stands in quotes (RFC 9110 §5.6.4, §5.6.6).
    private static func value(_ text: Substring) -> String {
        guard text.count > 1, text.first == "\"", text.last == "\"" else { return String(text) }
        var (value, isEscaped) = ("", false)
        for character in text.dropFirst().dropLast() {
            isEscaped = !isEscaped && character == "\\"
            if !isEscaped { value.append(character) }
        }
        return value
    }
}

extension Substring {
    func trimmingSpaces() -> Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
