// SPDX-License-Identifier: Apache-2.0

/// A way to write the registry.
package enum ExpositionFormat: String, CaseIterable, Sendable {
    case text, openmetrics, openmetrics2, protobuf
}

/// What a scraper is given: a format under the name it asked for.
package struct ExpositionOffer: Equatable, Sendable {
    package var format: ExpositionFormat
    package var contentType: String

    package static let standard = ExpositionOffer(
        format: .text,
        contentType: "text/plain; version=0.0.4; charset=utf-8"
    )

    /// Prometheus' content negotiation: the highest `q` of what both speak, and among equals the
    /// richer format; without any, 0.0.4. OpenMetrics 2.0 is a draft: only for who names it.
    package static func negotiated(_ accept: String?) -> ExpositionOffer {
        var best: (offer: ExpositionOffer, quality: Double, rank: Int) = (.standard, 0, 0)
        for range in MediaRange.all(in: accept) {
            guard range.quality > 0, let (offer, rank) = offer(range),
                (range.quality, rank) > (best.quality, best.rank)
            else { continue }
            best = (offer, range.quality, rank)
        }
        return best.offer
    }

    private static func offer(_ range: MediaRange) -> (ExpositionOffer, rank: Int)? {
        switch (range.type, range["version"]) {
        case ("application/vnd.google.protobuf", _):
            guard range["proto"] == "io.prometheus.client.metricfamily",
                range["encoding"] == "delimited"
            else { return nil }
            let type = "\(range.type); proto=io.prometheus.client.MetricFamily; encoding=delimited"
            return (ExpositionOffer(format: .protobuf, contentType: type + range.escaping), 7)
        case ("application/openmetrics-text", "2.0.0"):
            return (range.answered(.openmetrics2, "2.0.0"), 6)
        case ("application/openmetrics-text", "1.0.0"), ("application/openmetrics-text", nil):
            return (range.answered(.openmetrics, "1.0.0"), 5)
        case ("application/openmetrics-text", "0.0.1"):
            return (range.answered(.openmetrics, "0.0.1"), 4)
        case ("text/plain", "1.0.0"):
            return (range.answered(.text, "1.0.0"), 3)
        case ("text/plain", "0.0.4"), ("text/plain", nil):
            return (.standard, 2)
        case ("*/*", _), ("text/*", _):
            return (.standard, 1)
        default:
            return nil
        }
    }
}

extension MediaRange {
    /// How names that are no identifiers are to be written. Ours all are, so any way will do.
    private static let escapings: Set = ["allow-utf-8", "underscores", "dots", "values"]

    fileprivate var escaping: String {
        guard let scheme = self["escaping"], Self.escapings.contains(scheme) else { return "" }
        return "; escaping=\(scheme)"
    }

    fileprivate func answered(_ format: ExpositionFormat, _ version: String) -> ExpositionOffer {
        let escaping = version == "0.0.1" ? "" : escaping
        let type = "\(type); version=\(version); charset=utf-8" + escaping
        return ExpositionOffer(format: format, contentType: type)
    }
}
