// SPDX-License-Identifier: Apache-2.0
import Telemetry

/// Just enough to show a table and a few bars, without a script and without a request more.
enum HTML {
    static func text(_ text: String) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    /// Three decimals, for tables.
    static func milliseconds(_ nanoseconds: UInt64) -> String {
        let microseconds = nanoseconds / 1_000
        return "\(microseconds / 1_000).\("\(microseconds % 1_000 + 1_000)".dropFirst())"
    }

    /// `2026-11-22 17:00:00.123`
    static func time(_ wall: UInt64) -> String {
        String(internetTime(wall).prefix(23)).replacing("T", with: " ")
    }

    /// Where a filter is typed.
    static func form(_ asked: String, _ example: String) -> String {
        """
        <form><input name="q" size="60" value="\(text(asked))" \
        placeholder="\(text(example))"> <button>Show</button></form>
        """
    }

    static func page(
        _ title: String,
        _ body: String,
        under parent: (path: String, title: String)? = nil
    ) -> String {
        let above = parent.map { " / <a href=\"\($0.path)\">\($0.title)</a>" } ?? ""
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(text(title)) · Lucarne</title>
            <style>\(style)</style></head>
            <body><nav><a href="/debug">Lucarne</a>\(above)</nav><h1>\(text(title))</h1>
            \(body)
            </body></html>

            """
    }
}
