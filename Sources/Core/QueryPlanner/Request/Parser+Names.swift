// SPDX-License-Identifier: Apache-2.0

extension Parser {
    /// `name`, `two words`, `with-dashes` or `"anything"`.
    mutating func fieldName() -> String? {
        if let plain = plainName() { return plain }
        return label("field name (* or [a..z0..9_$])") { parser in
            let start = parser.position
            if let quoted = parser.quoted() { return quoted }
            guard parser.position == start else { return nil }
            return parser.dashed { $0.identifier() }
        }
    }

    /// The fast way for a name of ASCII letters, digits and underscores with nothing else near it.
    private mutating func plainName() -> String? {
        guard !records else { return nil }
        var end = position
        while end < bytes.count, Self.isPlain(bytes[end]) { end += 1 }
        guard end > position else { return nil }
        if end < bytes.count, !Self.endsPlainName(bytes[end]) { return nil }
        defer { position = end }
        return text(position, end)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte)
            || byte == 95
    }

    private static func endsPlainName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: ","), UInt8(ascii: "("), UInt8(ascii: ")"),
            UInt8(ascii: ":"), UInt8(ascii: "!"):
            true
        default: false
        }
    }

    /// One or more letters, digits, `_`, `$` and spaces, trimmed.
    mutating func identifier() -> String? {
        let start = position
        while identifierScalar() {}
        return position > start ? trimmed(start, position) : nil
    }

    private mutating func identifierScalar() -> Bool {
        scalar("letter", "digit") { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_", "$", " ": true
            default: !scalar.isASCII && scalar.isLetter
            }
        }
    }

    /// `"…"`, in which a backslash makes the next character ordinary.
    mutating func quoted() -> String? {
        guard character(UInt8(ascii: "\"")) else { return nil }
        var content: [UInt8] = []
        while true {
            let start = position
            if scalar(where: { $0 != "\\" && $0 != "\"" }) {
                content += bytes[start..<position]
            } else if character(UInt8(ascii: "\\")) {
                let escaped = position
                guard scalar(where: { _ in true }) else { return nil }
                content += bytes[escaped..<position]
            } else {
                break
            }
        }
        guard character(UInt8(ascii: "\"")) else { return nil }
        return String(decoding: content, as: UTF8.self)
    }

    /// Parts joined by dashes, where `->` is not a dash.
    mutating func dashed(_ part: (inout Parser) -> String?) -> String? {
        let parts = separated(by: { $0.dash() }, part)
        return parts.map { $0.count == 1 ? $0[0] : $0.joined(separator: "-") }
    }

    private mutating func dash() -> Bool {
        attempt { parser -> Void? in
            guard parser.character(UInt8(ascii: "-")) else { return nil }
            return parser.notFollowed(by: { $0 == ">" }, label: "\">\"") ? () : nil
        } != nil
    }

    mutating func delimiter() -> Bool {
        if current == UInt8(ascii: ".") {
            advance(to: position + 1)
            return true
        }
        refuse(expecting: "delimiter (.)")
        return false
    }

    func trimmed(_ start: Int, _ end: Int) -> String {
        var (start, end) = (start, end)
        while start < end, bytes[start] == 32 { start += 1 }
        while end > start, bytes[end - 1] == 32 { end -= 1 }
        return text(start, end)
    }
}

extension Unicode.Scalar {
    var isLetter: Bool {
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            true
        default: false
        }
    }
}

// Fields and their JSON paths.
extension Parser {
    mutating func field() -> Field? {
        lexeme { parser in
            guard let name = parser.fieldName() else { return nil }
            guard let path = parser.jsonPath() else { return nil }
            return Field(name, path: path)
        }
    }

    /// As many arrows as there are; nil when one lacks its operand.
    mutating func jsonPath() -> [JSONStep]? {
        var steps: [JSONStep] = []
        while true {
            let asText: Bool
            if attempt({ $0.literal("->>") ? () : nil }) != nil {
                asText = true
            } else if attempt({ $0.literal("->") ? () : nil }) != nil {
                asText = false
            } else {
                return steps
            }
            guard let operand = jsonOperand() else { return nil }
            steps.append(JSONStep(operand: operand, asText: asText))
        }
    }

    private mutating func jsonOperand() -> JSONStep.Operand? {
        if let index = attempt({ $0.jsonIndex() }) { return .index(index) }
        return attempt { $0.jsonKey() }.map { .key($0) }
    }

    private mutating func jsonIndex() -> String? {
        let sign = character(UInt8(ascii: "-")) ? "-" : "+"
        let start = position
        while scalar("digit", where: { ("0"..."9").contains($0) }) {}
        guard position > start else { return nil }
        let digits = text(start, position)
        let ends = peek("->") || peek("::") || peek(".") || peek(",") || endOfInput()
        return ends ? sign + digits : nil
    }

    private mutating func jsonKey() -> String? {
        label("any non reserved character different from: .,>()") { parser in
            let start = parser.position
            if let quoted = parser.quoted() { return quoted }
            guard parser.position == start else { return nil }
            return parser.dashed { $0.jsonKeyPart() }
        }
    }

    private mutating func jsonKeyPart() -> String? {
        let start = position
        while scalar(where: { !"(-:.,>)".unicodeScalars.contains($0) }) {}
        return position > start ? trimmed(start, position) : nil
    }
}
