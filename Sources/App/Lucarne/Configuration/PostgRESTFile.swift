// SPDX-License-Identifier: Apache-2.0

/// A file in the syntax of PostgREST's parser, Haskell's configurator-pg: `name = value`, `group { … }`,
/// `import "file"`, lists, and `#;` before what does not count.
struct PostgRESTFile {
    struct Statement {
        enum Kind {
            case setting(name: String, value: String, isQuoted: Bool)
            case file(String)
        }

        /// The groups that it stands in, each with a dot behind it.
        let group: String
        let kind: Kind
        let line: Int
    }

    let statements: [Statement]

    init(parsing text: String, path: String) throws(ConfigurationFailure) {
        var reader = PostgRESTFileReader(text, path)
        var statements: [Statement] = []
        try reader.read(in: "", &statements)
        guard reader.peek == nil else { throw reader.failure("a } without its {") }
        self.statements = statements
    }
}

private struct PostgRESTFileReader {
    private typealias Statement = PostgRESTFile.Statement

    // Characters would hide the end of a line in "\r\n".
    private let scalars: [Unicode.Scalar]
    private let path: String
    private var position = 0

    init(_ text: String, _ path: String) {
        scalars = Array(text.unicodeScalars)
        self.path = path
    }

    var peek: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private var line: Int { scalars[..<position].count { $0 == "\n" } + 1 }

    func failure(_ what: String) -> ConfigurationFailure {
        ConfigurationFailure("\(path):\(line): \(what)")
    }

    /// Statements until the end, or the brace that closes their group.
    mutating func read(
        in group: String,
        _ found: inout [PostgRESTFile.Statement]
    ) throws(ConfigurationFailure) {
        skipSpace()
        while let next = peek, next != "}" {
            try readStatement(in: group, &found)
            skipBlanks()
            guard peek == nil || peek == "}" || peek?.properties.isWhitespace == true else {
                throw failure("expected the end of the line")
            }
            skipSpace()
        }
    }

    private mutating func readStatement(
        in group: String,
        _ found: inout [PostgRESTFile.Statement]
    ) throws(ConfigurationFailure) {
        if take("#;") {
            skipBlanks()
            var dropped: [Statement] = []
            return try readStatement(in: group, &dropped)
        }
        let start = line
        let name = name()
        skipSpace()
        if name == "import", peek == "\"" {
            let file = try quoted()
            found.append(Statement(group: group, kind: .file(file), line: start))
        } else if !name.isEmpty, take("=") {
            skipSpace()
            let (text, isQuoted) = try value(endingAt: "\n\r#}")
            let kind = Statement.Kind.setting(name: name, value: text, isQuoted: isQuoted)
            found.append(Statement(group: group, kind: kind, line: start))
        } else if !name.isEmpty, take("{") {
            try read(in: group + name + ".", &found)
            guard take("}") else { throw failure("expected } after the group '\(name)'") }
        } else {
            throw ConfigurationFailure("\(path):\(start): expected name = value")
        }
    }

    private mutating func name() -> String {
        text { $0.properties.isAlphabetic || $0.properties.numericType != nil || "_-.".has($0) }
    }

    private mutating func value(
        endingAt ends: String
    ) throws(ConfigurationFailure) -> (text: String, isQuoted: Bool) {
        if peek == "\"" { return (try quoted(), true) }
        if take("[") { return (try list(), false) }
        let word = text { !ends.has($0) }.trimmed
        // Whole numbers may be written as others are.
        return (Double(word).flatMap(Int.init(exactly:)).map(String.init) ?? word, false)
    }

    /// Settings that are lists have commas between their parts.
    private mutating func list() throws(ConfigurationFailure) -> String {
        var elements: [String] = []
        skipSpace()
        while peek != "]" {
            elements.append(try value(endingAt: "\n\r#,]").text)
            skipSpace()
            guard take(",") else { break }
            skipSpace()
        }
        guard take("]") else { throw failure("expected ] after a list") }
        return elements.joined(separator: ",")
    }

    private mutating func quoted() throws(ConfigurationFailure) -> String {
        let start = line
        position += 1
        var result = String.UnicodeScalarView()
        while let next = peek, next != "\"" {
            position += 1
            result.append(next == "\\" ? try escaped() : next)
        }
        guard take("\"") else {
            throw ConfigurationFailure("\(path):\(start): a text without its closing quote")
        }
        return String(result)
    }

    private mutating func escaped() throws(ConfigurationFailure) -> Unicode.Scalar {
        for (letter, meaning) in ["n": "\n", "t": "\t", "r": "\r", "\"": "\"", "\\": "\\"]
            as KeyValuePairs<String, Unicode.Scalar> where take(letter)
        {
            return meaning
        }
        guard take("u"), var code = hexadecimal() else { throw failure("an unknown escape") }
        if (0xD800...0xDBFF).contains(code) {
            guard take("\\u"), let low = hexadecimal(), (0xDC00...0xDFFF).contains(low) else {
                throw failure("half of a surrogate pair")
            }
            code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw failure("half of a surrogate pair") }
        return scalar
    }

    private mutating func hexadecimal() -> UInt32? {
        let digits = scalars[position...].prefix(4)
        guard digits.count == 4, digits.allSatisfy(\.properties.isASCIIHexDigit) else { return nil }
        position += 4
        return UInt32(String(String.UnicodeScalarView(digits)), radix: 16)
    }

    private mutating func text(_ belongs: (Unicode.Scalar) -> Bool) -> String {
        let found = scalars[position...].prefix(while: belongs)
        position += found.count
        return String(String.UnicodeScalarView(found))
    }

    private mutating func take(_ word: String) -> Bool {
        guard scalars[position...].starts(with: word.unicodeScalars) else { return false }
        position += word.unicodeScalars.count
        return true
    }

    /// And a comment, which ends with its line.
    private mutating func skipBlanks() {
        _ = text { " \t".has($0) }
        if peek == "#" { _ = text { !"\n\r".has($0) } }
    }

    /// Lines and their comments, but not what `#;` stands before.
    private mutating func skipSpace() {
        repeat {
            _ = text { $0.properties.isWhitespace }
            guard peek == "#", !scalars[position...].starts(with: "#;".unicodeScalars) else {
                return
            }
            skipBlanks()
        } while true
    }
}

extension String {
    fileprivate func has(_ scalar: Unicode.Scalar) -> Bool { unicodeScalars.contains(scalar) }
}
