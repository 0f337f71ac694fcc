// SPDX-License-Identifier: Apache-2.0

/// Whether a response is worth compressing, and whether its reader wants that.
enum ContentCoding {
    /// Text in some form. Images, archives and the like are compressed already.
    static func isCompressible(_ headers: HeaderFields) -> Bool {
        guard let type = headers.bytes(of: "Content-Type") else { return false }
        guard !headers.contains("Content-Encoding"), !forbidsTransforms(headers) else {
            return false
        }
        let essence = type.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: " ") }
        let text = String(decoding: essence, as: UTF8.self).lowercased()
        // A stream of events is read as it is written.
        if text == "text/event-stream" { return false }
        if text.hasPrefix("text/") || text.hasSuffix("+json") || text.hasSuffix("+xml") {
            return true
        }
        return compressible.contains(text)
    }

    private static let compressible: Set<String> = [
        "application/json", "application/xml", "application/javascript", "application/graphql",
        "application/openmetrics-text", "application/vnd.google.protobuf", "application/x-ndjson",
        "application/yaml",
        "application/wasm", "image/bmp", "font/ttf",
    ]

    // RFC 9111 §5.2.2.6.
    private static func forbidsTransforms(_ headers: HeaderFields) -> Bool {
        headers["Cache-Control"]?.lowercased().contains("no-transform") ?? false
    }

    /// RFC 9110 §12.5.3: gzip is acceptable if it, or `*`, is named with a weight above 0, and
    /// preferred unless `identity` is weighted higher.
    static func acceptsGzip(_ headers: HeaderFields) -> Bool {
        guard let accepted = headers.joined("Accept-Encoding") else { return false }
        var (gzip, any, identity): (Int?, Int?, Int?)
        for element in accepted.split(separator: ",") {
            let parts = element.split(separator: ";", omittingEmptySubsequences: false)
            guard let name = parts.first.map(trimmed)?.lowercased() else { continue }
            let weight = weight(parts.dropFirst())
            switch name {
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, weight)
            case "*": any = weight
            case "identity": identity = weight
            default: break
            }
        }
        let wanted = gzip ?? any ?? 0
        return wanted > 0 && wanted >= identity ?? 0
    }

    /// In thousandths. A weight that cannot be read is none: not compressing is always right.
    private static func weight(_ parameters: ArraySlice<Substring>) -> Int {
        for parameter in parameters {
            let text = trimmed(parameter).lowercased()
            guard text.hasPrefix("q=") else { continue }
            guard let value = Double(text.dropFirst(2)), value >= 0, value <= 1 else { return 0 }
            return Int(value * 1_000)
        }
        return 1_000
    }

    private static func trimmed(_ text: Substring) -> Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text = text.dropLast() }
        return text
    }
}
