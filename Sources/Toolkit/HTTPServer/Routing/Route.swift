// SPDX-License-Identifier: Apache-2.0
package import Telemetry

/// One line of the route table: which requests, how large, measured as what, answered by whom.
package struct Route: Sendable {
    package typealias Respond = @Sendable (Request) async -> Response

    /// Nil answers every method: for features whose dialect refuses methods in its own words.
    package let method: Method?
    /// `/rest/v1/{relation}`; a last `{name*}` takes the rest of the path.
    package let template: String
    package let bodyBytesMax: Int
    package let telemetry: RouteTelemetry
    package let respond: Respond

    package init(
        _ method: Method?,
        _ template: String,
        bodyBytesMax: Int = 1 << 20,
        telemetry: RouteTelemetry,
        respond: @escaping Respond
    ) {
        self.method = method
        self.template = template
        self.bodyBytesMax = bodyBytesMax
        self.telemetry = telemetry
        self.respond = respond
    }
}

/// A template in pieces.
struct RouteTemplate: Equatable {
    enum Segment: Equatable {
        case literal([UInt8])
        case parameter(String)
        case rest(String)
    }

    let segments: [Segment]

    init(parsing template: String) {
        precondition(template.hasPrefix("/"), "a route's template starts with a slash")
        let pieces = template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        segments = pieces.map { piece in
            guard piece.hasPrefix("{"), piece.hasSuffix("}") else {
                return .literal(Array(piece.utf8))
            }
            let name = piece.dropFirst().dropLast()
            return name.hasSuffix("*")
                ? .rest(String(name.dropLast())) : .parameter(String(name))
        }
    }

    var names: [String] {
        segments.compactMap {
            switch $0 {
            case .literal: nil
            case .parameter(let name), .rest(let name): name
            }
        }
    }
}
