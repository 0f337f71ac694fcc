// SPDX-License-Identifier: Apache-2.0
import HTTPServer
import JSONCoding
import Telemetry

/// The registry, for scrapers and for readers.
struct MetricsController: Sendable {
    let telemetry: Telemetry

    func scrape(_ request: Request) -> Response {
        let offer = ExpositionOffer.negotiated(request.headers.joined("Accept"))
        let bytes = telemetry.exposition(as: offer.format)
        var response = Response(status: 200, contentType: offer.contentType, bytes)
        response.headers.appendToList("Vary", "Accept")
        return response
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

    /// The families with the most series.
    func cardinality() -> Response {
        let registry = telemetry.registry
        let families = registry.seriesCounts.sorted { $0.lines > $1.lines }
        return Response(
            .object([
                ("lines", .integer(registry.linesUsed)),
                ("limit", .integer(registry.linesMax)),
                (
                    "families",
                    .array(
                        families.map { family in
                            .object([
                                ("name", .string(family.name)),
                                ("series", .integer(family.series)),
                                ("lines", .integer(family.lines)),
                                ("overflowed", .bool(family.hasOverflowed)),
                            ])
                        }
                    )
                ),
            ])
        )
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

    private func page(_ descriptions: [MetricDescription]) -> String {
        let rows = descriptions.map { description in
            let labels = description.labels.map { label in
                "<code>\(HTML.text(label.name))</code>"
                    + (label.values.map { " " + HTML.text($0.joined(separator: ", ")) } ?? "")
            }
            return """
                <tr><td>\(HTML.text(description.layer))</td>\
                <td><code>\(HTML.text(description.name))</code></td>\
                <td>\(description.kind.rawValue)</td>\
                <td>\(labels.joined(separator: "<br>"))</td>\
                <td>\(HTML.text(description.help))</td></tr>
                """
        }
        return HTML.page(
            "Metrics",
            """
            <p>\(descriptions.count) families. <a href="/metrics">/metrics</a></p>
            <table><tr><th>Layer<th>Name<th>Type<th>Labels<th>Meaning</tr>
            \(rows.joined(separator: "\n"))
            </table>
            """
        )
    }
}
