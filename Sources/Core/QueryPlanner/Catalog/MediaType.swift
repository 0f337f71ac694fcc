// SPDX-License-Identifier: Apache-2.0

/// A media type that a request may send or accept. Those the dialect gives a meaning have a case.
package indirect enum MediaType: Hashable, Sendable {
    case json, geoJSON, csv, plainText, xml, openAPI, urlEncoded, octetStream, any
    /// One of the user's own, as it was written (`image/png`).
    case other(String)
    case arrayNullsStripped
    case singular(nullsStripped: Bool)
    case plan(of: MediaType, format: PlanFormat, options: PlanOptions)

    package enum PlanFormat: String, Sendable { case text, json }

    /// What EXPLAIN is asked to add, kept in PostgREST's order.
    package struct PlanOptions: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let analyze = Self(rawValue: 1)
        package static let verbose = Self(rawValue: 2)
        package static let settings = Self(rawValue: 4)
        package static let buffers = Self(rawValue: 8)
        package static let wal = Self(rawValue: 16)

        static let named: [(option: Self, name: String)] = [
            (.analyze, "analyze"), (.verbose, "verbose"), (.settings, "settings"),
            (.buffers, "buffers"), (.wal, "wal"),
        ]
    }

    /// The type and its parameters, without a charset.
    package var name: String {
        switch self {
        case .json: "application/json"
        case .geoJSON: "application/geo+json"
        case .csv: "text/csv"
        case .plainText: "text/plain"
        case .xml: "text/xml"
        case .openAPI: "application/openapi+json"
        case .urlEncoded: "application/x-www-form-urlencoded"
        case .octetStream: "application/octet-stream"
        case .any: "*/*"
        case .other(let name): name
        case .arrayNullsStripped: "application/vnd.pgrst.array+json;nulls=stripped"
        case .singular(let nullsStripped):
            "application/vnd.pgrst.object+json" + (nullsStripped ? ";nulls=stripped" : "")
        case .plan(let type, let format, let options):
            "application/vnd.pgrst.plan+\(format.rawValue); for=\"\(type.name)\""
                + (options.isEmpty ? "" : "; options=" + options.text)
        }
    }

    /// What the `Content-Type` header of a response says.
    package var contentType: String {
        switch self {
        case .octetStream, .other: name
        default: name + "; charset=utf-8"
        }
    }
}

extension MediaType.PlanOptions {
    var text: String {
        Self.named.filter { contains($0.option) }.map(\.name).joined(separator: "|")
    }
}
