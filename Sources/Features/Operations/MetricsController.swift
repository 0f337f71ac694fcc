// SPDX-License-Identifier: Apache-2.0
import EventLoop
import HTTPServer
import JSONCoding
import Telemetry

/// The registry, for scrapers and for readers.
struct MetricsController: Sendable {
    let telemetry: Telemetry

    func scrape(_ request: Request) -> Response {
        let offer = ExpositionOffer.negotiated(request.headers.joined("Accept"))
        var scrape = telemetry.scrape(as: offer.format)
        let first = scrape.next() ?? []
        var response = Response(status: 200, contentType: offer.contentType, first)
        if !scrape.isOver {
            let rest = scrape
            response.body = .stream(length: nil) { try await Self.write(first, rest, to: $0) }
        }
        response.headers.appendToList("Vary", "Accept")
        return response
    }

    private static func write(
        _ first: [UInt8],
        _ rest: Scrape,
        to writer: BodyWriter
    ) async throws {
        var rest = rest
        try await writer.write(first)
        while let piece = rest.next() {
            // Between pieces the loop's other connections have their turn.
            await EventLoop.current?.nextTurn()
            try await writer.write(piece)
        }
    }

    /// Every family with its meaning: the declarations themselves.
    func catalog(_ request: Request) -> Response {
        let descriptions = telemetry.registry.descriptions
        guard !request.prefers("text/html") else { return Response(html: page(descriptions)) }
        return Response(
            .object([
                ("version", .integer(1)),
                ("namespace", .string("lucarne")),
                ("families", .array(descriptions.map(entry))),
            ])
        )
    }

    /// The families with the most series; of the largest, which label values make them so many.
    func cardinality() -> Response {
        let registry = telemetry.registry
        let families = registry.seriesCounts.sorted { $0.lines > $1.lines }
        let entries = families.enumerated().map { position, family in
            var members: [(String, JSONValue)] = [
                ("name", .string(family.name)),
                ("series", .integer(family.series)),
                ("lines", .integer(family.lines)),
                ("room", .integer(family.room)),
                ("overflowed", .bool(family.hasOverflowed)),
            ]
            if position < Self.familiesExplained {
                let labels = registry.labelCounts(of: family.name)
                members.append(("labels", .object(labels.map { ($0.label, values(of: $0)) })))
            }
            return JSONValue.object(members)
        }
        return Response(
            .object([
                ("lines", .integer(registry.linesUsed)),
                ("limit", .integer(registry.linesMax)),
                ("families", .array(entries)),
            ])
        )
    }

    private static let familiesExplained = 10

    private func values(of label: MetricRegistry.LabelCount) -> JSONValue {
        let most = label.values.prefix(Self.valuesShown).map { value, series in
            (value, JSONValue.integer(series))
        }
        return .object([("values", .integer(label.values.count)), ("most", .object(most))])
    }

    private func entry(_ description: MetricDescription) -> JSONValue {
        let labels = description.labels.map { label in
            (label.name, label.values.map { JSONValue.array($0.map(JSONValue.string)) } ?? .null)
        }
        let buckets = description.buckets.map { JSONValue.number("\($0)") }
        return .object([
            ("layer", .string(description.layer)),
            ("name", .string(description.name)),
            ("type", .string(description.kind.rawValue)),
            ("unit", .string(description.unit.rawValue)),
            ("labels", .object(labels)),
            ("help", .string(description.help)),
            ("buckets", buckets.isEmpty ? .null : .array(buckets)),
            ("exemplars", .bool(description.hasExemplars)),
            ("native", .bool(description.isNative)),
            ("stability", .string(description.stability.rawValue)),
        ])
    }

    /// A section for each layer, in the order in which requests pass them.
    private func page(_ descriptions: [MetricDescription]) -> String {
        var layers: [String] = []
        for description in descriptions where !layers.contains(description.layer) {
            layers.append(description.layer)
        }
        let sections = layers.map { layer in
            let rows = descriptions.filter { $0.layer == layer }.map(row)
            return """
                <h2>\(HTML.text(layer))</h2><table class="catalog">\
                <tr><th>Name<th>Type<th>Meaning<th>Labels</tr>
                \(rows.joined(separator: "\n"))</table>
                """
        }
        let note = """
            <p>\(descriptions.count) families, as they are declared. \
            <a href="/metrics">/metrics</a> has their values.</p>
            """
        return HTML.page("Metrics", note + sections.joined())
    }

    private func row(_ description: MetricDescription) -> String {
        let labels = description.labels.map { label in
            let values = label.values ?? []
            let shown = values.prefix(Self.valuesShown).joined(separator: ", ")
            let more = values.count > Self.valuesShown ? ", … \(values.count) in all" : ""
            return "<div><code>\(HTML.text(label.name))</code> \(HTML.text(shown + more))</div>"
        }
        return """
            <tr><td class="whole"><code>\(HTML.text(description.name))</code>\
            <td>\(description.kind.rawValue)<td>\(HTML.text(description.help))\
            <td class="facts">\(labels.joined())</tr>
            """
    }

    private static let valuesShown = 6
}
