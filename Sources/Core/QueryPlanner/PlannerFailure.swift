// SPDX-License-Identifier: Apache-2.0

/// Why a request cannot become SQL, in the dialect's words. Safe to send to the caller.
package struct PlannerFailure: Error, Sendable, Equatable {
    /// The stable code: `PGRST…`, or an SQLSTATE where PostgreSQL would have refused.
    package let code: String
    package let message: String
    package let details: String?
    /// True when `details` is JSON text, to be sent as it is.
    package let detailsAreJSON: Bool
    package let hint: String?

    package init(
        _ code: String,
        _ message: String,
        details: String? = nil,
        detailsAreJSON: Bool = false,
        hint: String? = nil
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.detailsAreJSON = detailsAreJSON
        self.hint = hint
    }
}

extension PlannerFailure {
    static func malformed(_ message: String, details: String) -> Self {
        Self("PGRST100", message, details: details)
    }

    package static func negativeLimit() -> Self {
        Self(
            "PGRST103",
            "Requested range not satisfiable",
            details: "Limit should be greater than or equal to zero."
        )
    }

    package static func inverseRange() -> Self {
        Self(
            "PGRST103",
            "Requested range not satisfiable",
            details:
                "The lower boundary must be lower than or equal to the upper boundary "
                + "in the Range header."
        )
    }

    static let filtersMustBeKey = Self(
        "PGRST105",
        "Filters must include all and only primary key columns with 'eq' operators"
    )

    package static func mediaTypesUnavailable(_ names: [String]) -> Self {
        Self(
            "PGRST107",
            "None of these media types are available: " + names.joined(separator: ", ")
        )
    }

    static func notEmbedded(_ name: String) -> Self {
        Self(
            "PGRST108",
            "'\(name)' is not an embedded resource in this request",
            hint: "Verify that '\(name)' is included in the 'select' query parameter."
        )
    }

    static func targetHasAlias(_ name: String, target: String, alias: String) -> Self {
        Self(
            "PGRST108",
            "'\(name)' is not an embedded resource in this request",
            details: "Target names are not allowed in filters if they have an alias",
            hint: "Change '\(target)' to '\(alias)' in filters, orders or limits."
        )
    }

    package static let limitOnPut = Self(
        "PGRST114",
        "limit/offset querystring parameters are not allowed for PUT"
    )

    static func relatedOrderNotToOne(_ origin: String, _ target: String) -> Self {
        Self(
            "PGRST118",
            "A related order on '\(target)' is not possible",
            details:
                "'\(origin)' and '\(target)' do not form a many-to-one or one-to-one relationship"
        )
    }

    static let aggregatesDisabled = Self(
        "PGRST123",
        "Use of aggregate functions is not allowed"
    )

    static let aggregatesInToManySpread = Self(
        "PGRST127",
        "Feature not implemented",
        details: "Aggregates are not implemented for one-to-many or many-to-many spreads."
    )

    static func columnNotFound(_ column: String, of relation: String) -> Self {
        Self(
            "PGRST204",
            "Could not find the '\(column)' column of '\(relation)' in the schema cache"
        )
    }

    /// PostgreSQL's own words.
    static let tooManyEntries = Self("54011", "target lists can have at most 1664 entries")

    static let tooManyEntriesInAll = Self(
        "54001",
        "statement too complex",
        details: "All relations of a request select at most \(ReadNode.entriesMaxInAll) columns."
    )

    /// What PostgreSQL answers to a text with a NUL byte; the protocol would cut the value there.
    static let nulByte = Self("22021", "invalid byte sequence for encoding \"UTF8\": 0x00")
}
