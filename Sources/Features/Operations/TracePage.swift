// SPDX-License-Identifier: Apache-2.0
import Telemetry

/// Traces for eyes: a list, and one request's waterfall.
enum TracePage {
    static func list(_ traces: [KeptTrace]) -> String {
        let rows = traces.map { trace in
            let id = trace.context.traceIDText
            return """
                <tr><td><a href="/debug/traces/\(id)"><code>\(id.prefix(16))…</code></a>\
                <td>\(HTML.text(internetTime(trace.startedAtWall)))\
                <td>\(trace.method.label.text) <code>\(HTML.text(trace.route))</code>\
                <td>\(trace.status) \(HTML.text(trace.errorCode ?? ""))\
                <td>\(HTML.milliseconds(trace.durationNanoseconds)) ms\
                <td>\(trace.decision.rawValue)</tr>
                """
        }
        let table = """
            <table><tr><th>Trace<th>Began<th>Request<th>Status<th>Took<th>Kept</tr>
            \(rows.joined(separator: "\n"))</table>
            """
        return HTML.page("Traces", traces.isEmpty ? "<p>None is kept yet.</p>" : table)
    }

    static func waterfall(_ traces: [KeptTrace]) -> String {
        let title = "Trace \(traces.first?.context.traceIDText ?? "")"
        return HTML.page(title, traces.map(request).joined(separator: "<hr>"))
    }

    private static func request(_ trace: KeptTrace) -> String {
        """
        <dl><dt>Request<dd>\(trace.method.label.text) <code>\(HTML.text(trace.path))</code>
        <dt>Route<dd><code>\(HTML.text(trace.route))</code>
        <dt>Status<dd>\(trace.status) \(HTML.text(trace.errorCode ?? ""))
        <dt>Took<dd>\(HTML.milliseconds(trace.durationNanoseconds)) ms
        <dt>Began<dd>\(internetTime(trace.startedAtWall))
        <dt>Role<dd>\(HTML.text(trace.role))
        <dt>Request id<dd><code>\(HTML.text(trace.requestID))</code>
        <dt>Kept<dd>\(trace.decision.rawValue)
        <dt>As<dd><a href="?format=otlp">OTLP JSON</a></dl>
        \(ledger(trace))
        <table><tr><th>Span<th>Layer<th>Start<th>Took<th></tr>
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
        let words = parts.map { "\($0.layer.label.text) \(HTML.milliseconds($0.nanoseconds))" }
        return """
            <div class="ledger">\(bars.joined())</div>
            <p class="mono">\(words.joined(separator: " + ")) = \
            \(HTML.milliseconds(trace.durationNanoseconds)) ms</p>
            """
    }

    private static func row(_ trace: KeptTrace, _ position: Int) -> String {
        let span = trace.spans[position]
        let label = span.layer.label.text
        let whole = Double(max(1, trace.durationNanoseconds))
        let left = percent(Double(span.startedAt) / whole)
        let width = percent(Double(span.endedAt &- span.startedAt) / whole)
        let facts = trace.attributes.filter { Int($0.span) == position }.map { attribute in
            let value =
                switch attribute.value {
                case .text(let text): text
                case .integer(let number): "\(number)"
                }
            return "<br><code>\(HTML.text("\(attribute.key.text)=\(value)"))</code>"
        }
        let indent = depth(trace, position)
        return """
            <tr><td style="padding-left:\(1 + indent)rem">\(HTML.text(span.name.text))\
            \(facts.joined())<td>\(label)<td>\(HTML.milliseconds(span.startedAt))\
            <td>\(HTML.milliseconds(span.endedAt &- span.startedAt))<td><div class="rail">\
            <div class="bar \(label)\(span.failed ? " failed" : "")" \
            style="left:\(left)%;width:\(width)%"></div></div></tr>
            """
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
