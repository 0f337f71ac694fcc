// SPDX-License-Identifier: Apache-2.0

/// Reads `.env` files.
enum SettingFile {
    /// `.env` files are shared with other programs: what is not ours is passed over.
    static func parseEnvironment(
        _ text: String,
        path: String
    ) throws(ConfigurationFailure) -> SettingValues {
        var values = SettingValues()
        // "\r\n" is one Character, which is not "\n".
        let lines = text.replacing("\r\n", with: "\n")
            .split(separator: "\n", omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.hasPrefix("#") { continue }
            let source = SettingSource.file(path, line: index + 1)
            let body = line.hasPrefix("export ") ? line.dropFirst(7).trimmed : line
            guard let equals = body.firstIndex(of: "=") else {
                throw ConfigurationFailure("\(path):\(index + 1): expected NAME=value")
            }
            let name = body[..<equals].trimmed
            let value = unquoted(body[body.index(after: equals)...].trimmed)
            try SettingEnvironment.take(name, value, from: source, into: &values)
        }
        return values
    }

    private static func unquoted(_ text: String) -> String {
        if text.count >= 2, text.hasPrefix("'"), text.hasSuffix("'") {
            return String(text.dropFirst().dropLast())
        }
        if text.hasPrefix("\"") { return unescaped(text).replacing("$$", with: "$") }
        // An unquoted value ends where a comment begins.
        return text.firstRange(of: " #").map { text[..<$0.lowerBound].trimmed } ?? text
    }

    /// The contents of a double-quoted string.
    private static func unescaped(_ text: String) -> String {
        var result = ""
        var isEscaped = false
        for character in text.dropFirst() {
            if isEscaped {
                result.append(["n": "\n", "t": "\t", "r": "\r"][character] ?? character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                break
            } else {
                result.append(character)
            }
        }
        return result
    }
}
