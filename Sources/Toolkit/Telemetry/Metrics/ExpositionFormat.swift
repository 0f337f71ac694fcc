// SPDX-License-Identifier: Apache-2.0

/// What a scraper may be given.
package enum ExpositionFormat: String, CaseIterable, Sendable {
    case text, openmetrics

    package var contentType: String {
        switch self {
        case .text: "text/plain; version=0.0.4; charset=utf-8"
        case .openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// Prometheus' content negotiation: the highest `q` of what both speak; without any, 0.0.4.
    package static func negotiated(_ accept: String?) -> ExpositionFormat {
        var best = ExpositionFormat.text
        var bestQuality = 0.0
        for range in (accept ?? "").split(separator: ",") {
            guard let (format, quality) = offer(range), quality > bestQuality else { continue }
            (best, bestQuality) = (format, quality)
        }
        return best
    }

    private static func offer(_ range: Substring) -> (ExpositionFormat, Double)? {
        var parts = range.split(separator: ";").map { $0.trimmingSpaces().lowercased() }
        guard !parts.isEmpty else { return nil }
        let type = parts.removeFirst()
        var quality = 1.0
        var version: String?
        for part in parts {
            if part.hasPrefix("q=") { quality = Double(part.dropFirst(2)) ?? 0 }
            if part.hasPrefix("version=") { version = String(part.dropFirst(8)) }
        }
        switch type {
        case "application/openmetrics-text":
            let isKnown = version == nil || version == "1.0.0" || version == "0.0.1"
            return isKnown ? (.openmetrics, quality) : nil
        case "text/plain":
            return version == nil || version == "0.0.4" ? (.text, quality) : nil
        case "*/*", "text/*":
            return (.text, quality)
        default:
            return nil
        }
    }
}

extension Substring {
    func trimmingSpaces() -> Substring {
        var text = drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
