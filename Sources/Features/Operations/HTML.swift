// SPDX-License-Identifier: Apache-2.0

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

    static func page(_ title: String, _ body: String) -> String {
        """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(text(title)) · Lucarne</title>
        <style>\(style)</style></head>
        <body><nav><a href="/debug">Lucarne</a></nav><h1>\(text(title))</h1>
        \(body)
        </body></html>

        """
    }

    private static let style = """
        :root { color-scheme: light dark; --line: #8884; --soft: #8882 }
        body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; \
        padding: 0 1rem }
        h1 { font-size: 1.4rem } nav a { color: inherit; opacity: .6 }
        table { border-collapse: collapse; width: 100% }
        th { text-align: left; font-weight: 600 }
        pre { font: 12px/1.4 ui-monospace, monospace; margin: .3rem 0; white-space: pre-wrap; \
        overflow-wrap: anywhere } .finding { color: #c22; margin: .3rem 0 }
        .numbers td + td, .numbers th + th { text-align: right; font-variant-numeric: tabular-nums }
        td, th { padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
        code, .mono { font: 13px ui-monospace, monospace }
        .rail { position: relative; height: 1.1rem; background: var(--soft); min-width: 18rem }
        .bar { position: absolute; top: 0; bottom: 0; border-radius: 2px; min-width: 2px }
        .failed { outline: 2px solid #c22 } dl { display: grid; grid-template-columns: \
        max-content 1fr; gap: .2rem 1rem } dt { opacity: .7 } dd { margin: 0 }
        .ledger { display: flex; height: 1.4rem; margin: .5rem 0 } .ledger div { min-width: 1px }
        .parse, .write { background: #7a8 } .middleware, .ratelimit { background: #a98 }
        .auth, .validate { background: #c95 } .controller, .service { background: #69c }
        .pool_wait { background: #c66 } .sql { background: #96c } .serialize { background: #9b5 }
        """
}
