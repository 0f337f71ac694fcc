// SPDX-License-Identifier: Apache-2.0
import Telemetry

/// Traces for eyes: a list, and one request's waterfall.
enum TracePage {
    static func list(_ traces: [KeptTrace], asked: String) -> String {
        let rows = traces.map { trace in
            let id = trace.context.traceIDText
            return """
                <tr><td><a href="/debug/traces/\(id)"><code>\(id.prefix(16))…</code></a>\
                <td class="whole">\(HTML.time(trace.startedAtWall))\
                <td>\(trace.method.label.text) <code>\(HTML.text(trace.route))</code>\
                <td>\(trace.status) \(HTML.text(trace.errorCode ?? ""))\
                <td class="number">\(HTML.milliseconds(trace.durationNanoseconds))\
                <td>\(kept(trace))</tr>
                """
        }
        let table = """
            <table><tr><th>Trace<th>Began<th>Request<th>Status<th class="number">Took ms<th>Kept</tr>
            \(rows.joined(separator: "\n"))</table>
            """
        let form = HTML.form(asked, Asking.traces.example ?? "")
        return HTML.page("Traces", form + (traces.isEmpty ? "<p>None is kept.</p>" : table))
    }

    static func waterfall(_ traces: [KeptTrace]) -> String {
        let title = "Trace \(traces.first?.context.traceIDText ?? "")"
        let body = traces.map(request).joined(separator: "<hr>")
        return HTML.page(title, body, under: ("/debug/traces", "Traces"))
    }

    /// Why it was.
    private static func kept(_ trace: KeptTrace) -> String {
        switch trace.decision {
        case .keptError: "failed"
        case .keptSlow: trace.hasSlowStatement ? "slow statement" : "slow"
        case .keptForced: "asked for"
        case .keptSampled, .limited, .dropped: "sample"
        }
    }

    /// As it was sent, where it is none of ours.
    private static func method(_ trace: KeptTrace) -> String {
        let original = trace.attributes(of: -1)
            .first { $0.key.text == "http.request.method_original" }
        return original?.value.text ?? trace.method.label.text
    }

    private static func request(_ trace: KeptTrace) -> String {
        """
        <dl><dt>Request<dd>\(HTML.text(method(trace))) <code>\(HTML.text(trace.path))</code>
        <dt>Status<dd\(trace.status >= 500 ? " class=\"bad\"" : "")>\(trace.status) \
        \(HTML.text([trace.errorCode, trace.errorMessage].compactMap { $0 }.joined(separator: ": ")))
        <dt>Route<dd><code>\(HTML.text(trace.route))</code>
        <dt>Took<dd>\(HTML.milliseconds(trace.durationNanoseconds)) ms
        <dt>Began<dd>\(HTML.time(trace.startedAtWall)) UTC
        <dt>Kept<dd>\(kept(trace))
        <dt>Request id<dd><code>\(HTML.text(trace.requestID))</code>
        <dt>Role<dd>\(HTML.text(trace.role.isEmpty ? "none" : trace.role)) \
        \(trace.user.isEmpty ? "" : "<code>\(HTML.text(trace.user))</code>")
        <dt>Client<dd>\(HTML.text(trace.clientAddress)) \
        <span class="soft">\(HTML.text(trace.userAgent))</span>
        <dt>More<dd><a href="/debug/logs?q=trace=\(trace.context.traceIDText)">its records</a>, \
        <a href="?format=otlp">OTLP</a>, <a href="?format=jaeger">Jaeger</a></dl>
        \(ledger(trace))
        <table><tr><th>Span<th class="number">Start ms<th class="number">Took ms\
        <th class="time">\(scale(trace))</tr>
        \(trace.spans.indices.map { row(trace, $0) }.joined(separator: "\n"))
        </table>\(trace.spansLost > 0 ? "<p>\(trace.spansLost) spans more had no room.</p>" : "")
        """
    }

    /// Where the time went: the layers' self times, which add up to the whole.
    private static func ledger(_ trace: KeptTrace) -> String {
        let parts = trace.layers.filter { $0.nanoseconds > 0 }
        let bars = parts.map { part in
            let label = part.layer.label.text
            return """
                <div class="\(label)" style="flex:\(part.nanoseconds)" \
                title="\(label) \(HTML.milliseconds(part.nanoseconds)) ms"></div>
                """
        }
        let words = parts.map { part in
            let label = part.layer.label.text
            return """
                <span><i class="\(label)"></i>\(label) \
                <b>\(HTML.milliseconds(part.nanoseconds))</b></span>
                """
        }
        return """
            <h2>Self time of the layers</h2><div class="ledger">\(bars.joined())</div>
            <p class="legend">\(words.joined())<span>together \
            <b>\(HTML.milliseconds(trace.durationNanoseconds)) ms</b></span></p>
            """
    }

    private static func scale(_ trace: KeptTrace) -> String {
        let marks = (0...4).map { quarter in
            "<span>\(HTML.milliseconds(trace.durationNanoseconds / 4 * UInt64(quarter)))</span>"
        }
        return "<div class=\"scale\">\(marks.joined())</div>"
    }

    private static func row(_ trace: KeptTrace, _ position: Int) -> String {
        let span = trace.spans[position]
        let label = span.layer.label.text
        let whole = Double(max(1, trace.durationNanoseconds))
        let left = percent(Double(span.startedAt) / whole)
        let width = percent(Double(span.endedAt &- span.startedAt) / whole)
        let facts = trace.attributes(of: position).filter { $0.key.text != "db.query.summary" }
            .map(fact)
        let name = trace.name(of: position)
        let layer = name == label ? "" : " <small class=\"soft\">\(label)</small>"
        return """
            <tr><td style="padding-left:\(Double(depth(trace, position)) * 1.1 + 0.6)rem">\
            \(HTML.text(name))\(layer)<div class="facts">\(facts.joined())</div>\
            <td class="number">\(HTML.milliseconds(span.startedAt))\
            <td class="number">\(HTML.milliseconds(span.endedAt &- span.startedAt))\
            <td class="time"><div class="rail" title="\(label)">\
            <div class="bar \(label)\(span.failed ? " failed" : "")" \
            style="left:\(left)%;width:\(width)%"></div></div></tr>
            """
    }

    /// What somebody wants to know is shown; what they may want to copy is folded.
    private static func fact(_ attribute: TraceAttribute) -> String {
        let (key, text) = (attribute.key.text, HTML.text(attribute.value.text))
        switch key {
        case "lucarne.plan.json":
            return "<details><summary>EXPLAIN</summary><pre>\(text)</pre></details>"
        case "lucarne.plan": return "<pre>\(text)</pre>"
        case "lucarne.plan.finding": return "<div class=\"finding\">\(text)</div>"
        default: return "<div>\(HTML.text(key)) = \(text)</div>"
        }
    }

    private static func depth(_ trace: KeptTrace, _ position: Int) -> Int {
        var depth = 0
        var parent = Int(trace.spans[position].parent)
        while parent >= 0, depth < trace.spans.count {
            depth += 1
            parent = Int(trace.spans[parent].parent)
        }
        return depth
    }

    private static func percent(_ share: Double) -> Double {
        (min(1, max(0, share)) * 10_000).rounded() / 100
    }
}
