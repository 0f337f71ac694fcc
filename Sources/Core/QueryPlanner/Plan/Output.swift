// SPDX-License-Identifier: Apache-2.0

/// What PostgreSQL makes of the rows.
package enum RowFormat: Sendable, Equatable {
    case json(nullsStripped: Bool)
    /// The first row as an object; whether there is exactly one is for the caller to see.
    case singular(nullsStripped: Bool)
    case csv, geoJSON
    case converted(MediaConverter)
    /// Nothing: HEAD, or a write that is not shown.
    case none
}

/// What was agreed upon with the client.
package struct Output: Sendable, Equatable {
    package var format: RowFormat
    package var mediaType: MediaType

    package init(_ format: RowFormat, _ mediaType: MediaType) {
        self.format = format
        self.mediaType = mediaType
    }

    package static let json = Output(.json(nullsStripped: false), .json)

    /// The same headers without the body.
    package var withoutBody: Output { Output(.none, mediaType) }

    /// An execution plan is wanted in place of the rows.
    package var isPlan: Bool {
        if case .plan = mediaType { return true }
        return false
    }

    package var isSingular: Bool {
        if case .singular = mediaType { return true }
        return false
    }
}

extension Catalog {
    /// The first of the media types, in the client's order, that these rows can be had in.
    package func output(
        accepting accepted: [MediaType],
        for target: QualifiedName,
        selectsWholeRow: Bool,
        planEnabled: Bool
    ) throws(PlannerFailure) -> Output {
        for mediaType in accepted {
            if let found = output(mediaType, target, selectsWholeRow, planEnabled) { return found }
        }
        throw .mediaTypesUnavailable(accepted.map(\.name))
    }

    private func output(
        _ mediaType: MediaType,
        _ target: QualifiedName,
        _ selectsWholeRow: Bool,
        _ planEnabled: Bool
    ) -> Output? {
        switch mediaType {
        case .singular(let nullsStripped):
            return Output(.singular(nullsStripped: nullsStripped), mediaType)
        case .arrayNullsStripped: return Output(.json(nullsStripped: true), mediaType)
        case .plan(let type, _, _):
            guard planEnabled, let output = output(type, target, selectsWholeRow, true) else {
                return nil
            }
            return Output(output.format, mediaType)
        default:
            return (selectsWholeRow ? converter(mediaType, for: target) : nil)
                ?? general(mediaType)
        }
    }

    private func converter(_ mediaType: MediaType, for target: QualifiedName) -> Output? {
        guard !mediaConverters.isEmpty else { return nil }
        let converter =
            mediaConverters[MediaKey(target, .any)] ?? mediaConverters[MediaKey(target, mediaType)]
        return converter.map { Output(.converted($0), $0.mediaType) }
    }

    private func general(_ mediaType: MediaType) -> Output? {
        if !mediaConverters.isEmpty, let converter = mediaConverters[MediaKey(nil, mediaType)] {
            return Output(.converted(converter), converter.mediaType)
        }
        return switch mediaType {
        case .any, .json: Output(.json(nullsStripped: false), .json)
        case .csv: Output(.csv, .csv)
        case .geoJSON: Output(.geoJSON, .geoJSON)
        default: nil
        }
    }
}
