// SPDX-License-Identifier: Apache-2.0
import HTTPServer

/// A page to read the API on and to try it: it needs no network but this server, and no cookie.
/// What it shows comes from the OpenAPI 3.1 document, as the token in it may see it.
enum DocsPage {
    /// `document`: the path of the OpenAPI document.
    static func html(document: String) -> Response {
        let page = """
            <!doctype html>
            <html lang="en" data-document="\(document)"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>API</title><link rel="icon" href="data:,">
            <link rel="stylesheet" href="/docs/page.css">
            <script defer src="/docs/page.js"></script></head>
            <body><header><h1 id="title">API</h1><p id="about"></p>
            <label>Token <input id="token" type="password" autocomplete="off"
            placeholder="none: the anonymous role"></label></header>
            <nav aria-label="Operations"><input id="search" type="search"
            placeholder="Search: name, column, method" aria-label="Search"><div id="list"></div></nav>
            <main id="main" aria-live="polite"><p>Reading the description…</p></main>
            <noscript>This page reads <a href="\(document)">the OpenAPI document</a>
            with a script.</noscript></body></html>

            """
        return reply(page, "text/html; charset=utf-8")
    }

    static var stylesheet: Response { reply(style, "text/css; charset=utf-8") }

    static var script: Response { reply(DocsScript.source, "text/javascript; charset=utf-8") }

    /// Nothing from elsewhere runs here, whatever a comment in the database says.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self';"
        + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static func reply(_ text: String, _ type: String) -> Response {
        var response = Response(status: 200, body: .bytes(Array(text.utf8)))
        response.headers.append("Content-Type", type)
        response.headers.append("Content-Security-Policy", policy)
        response.headers.append("Cache-Control", "no-cache")
        return response
    }

    private static let style = """
        :root { color-scheme: light dark; --line: #8884; --soft: #8881; --strong: #2a6fb8 }
        @media (prefers-color-scheme: dark) { :root { --strong: #7db7f0 } }
        * { box-sizing: border-box }
        body { font: 15px/1.5 system-ui, sans-serif; margin: 0; display: grid;
          grid: auto 1fr / 20rem minmax(0, 1fr); min-height: 100vh }
        header { grid-column: 1 / 3; display: flex; gap: .3rem 1.5rem; align-items: baseline;
          padding: .7rem 1rem; border-bottom: 1px solid var(--line); flex-wrap: wrap }
        header p { margin: 0; flex: 1; opacity: .75 } h1 { font-size: 1.2rem; margin: 0 }
        h2 { font-size: 1.15rem; margin: 0 0 .5rem } h3 { font-size: 1rem; margin: 1.4rem 0 .4rem }
        nav { border-right: 1px solid var(--line); padding: .8rem; height: calc(100vh - 3.4rem);
          overflow: auto; position: sticky; top: 0 }
        nav h3 { margin: .8rem 0 .2rem; font-size: .85rem; opacity: .7 }
        nav button { display: flex; gap: .6rem; width: 100%; border: 0; background: none;
          font: inherit; color: inherit; padding: .15rem .4rem; text-align: left; cursor: pointer;
          border-radius: 4px; align-items: baseline }
        nav button:hover, nav button[aria-current=true] { background: var(--soft) }
        nav button[aria-current=true] { box-shadow: inset 3px 0 var(--strong) }
        .method { font: 600 11px ui-monospace, monospace; width: 3.4rem; flex: none;
          color: var(--strong) }
        .path { overflow-wrap: anywhere } main { padding: 1rem 1.5rem; max-width: 62rem }
        input, textarea { font: 13px ui-monospace, monospace; padding: .3rem .5rem; width: 100%;
          border: 1px solid var(--line); border-radius: 4px; background: Canvas; color: CanvasText }
        header input { width: 16rem } textarea { min-height: 9rem }
        table { border-collapse: collapse; width: 100% } td, th { text-align: left;
          padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
        td:first-child { width: 12rem; overflow-wrap: anywhere } td small { opacity: .7 }
        td.value { width: 45% } pre { font: 13px/1.45 ui-monospace, monospace; background: var(--soft);
          padding: .7rem; border-radius: 4px; overflow: auto; max-height: 30rem; margin: .3rem 0;
          white-space: pre-wrap; overflow-wrap: anywhere }
        button.send { font: inherit; padding: .35rem 1.2rem; border: 0; border-radius: 4px;
          background: #2a6fb8; color: #fff; cursor: pointer; margin-top: .8rem }
        .text { white-space: pre-wrap; max-width: 45rem } .bad { color: #c33 }
        :focus-visible { outline: 2px solid var(--strong); outline-offset: 1px }
        @media (max-width: 48rem) { body { display: block } nav { height: auto; max-height: 40vh;
          position: static; border: 0; border-bottom: 1px solid var(--line) } }

        """
}
