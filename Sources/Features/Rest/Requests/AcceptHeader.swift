// SPDX-License-Identifier: Apache-2.0
package import QueryPlanner

/// The media types of an `Accept` header, the most wanted first (RFC 9110 §12.5.1).
package enum AcceptHeader {
    private struct Wish {
        let type: String
        let quality: Double
        /// More parameters are more specific, wildcards less.
        let specificity: Int
    }

    package static func mediaTypes(_ header: String?) -> [MediaType] {
        guard let header else { return [.any] }
        let wishes = header.split(separator: ",", omittingEmptySubsequences: false).map(wish)
        let ranked = wishes.enumerated().sorted { left, right in
            let (first, second) = (left.element, right.element)
            if first.quality != second.quality { return first.quality > second.quality }
            if first.specificity != second.specificity {
                return first.specificity > second.specificity
            }
            return left.offset < right.offset
        }
        return ranked.map { MediaType(parsing: $0.element.type) }
    }

    private static func wish(_ text: Substring) -> Wish {
        let compact = text.filter { $0 != " " }
        var type = Substring(compact)
        var quality = 1.0
        if let mark = weightStart(compact) {
            type = compact[..<mark]
            let value = compact[compact.index(mark, offsetBy: 3)...].prefix { $0 != ";" }
            quality = Double(value) ?? 1
        }
        let parameters = type.count { $0 == ";" }
        let wildcards = type.count { $0 == "*" }
        return Wish(type: String(type), quality: quality, specificity: parameters - wildcards)
    }

    private static func weightStart(_ text: String) -> String.Index? {
        var rest = Substring(text)
        while let mark = rest.firstIndex(of: ";") {
            if rest[mark...].hasPrefix(";q=") { return mark }
            rest = rest[rest.index(after: mark)...]
        }
        return nil
    }
}
