// SPDX-License-Identifier: Apache-2.0

/// What a client asks for in `Prefer` headers (RFC 7240). The first of several wins; what is not
/// understood is kept, because `handling=strict` refuses it.
package struct Preferences: Equatable, Sendable {
    package enum Resolution: String, CaseIterable, Sendable {
        case mergeDuplicates = "resolution=merge-duplicates"
        case ignoreDuplicates = "resolution=ignore-duplicates"
    }

    package enum Representation: String, CaseIterable, Sendable {
        case full = "return=representation"
        case minimal = "return=minimal"
        case headersOnly = "return=headers-only"
    }

    package enum Count: String, CaseIterable, Sendable {
        case exact = "count=exact"
        case planned = "count=planned"
        case estimated = "count=estimated"
    }

    package enum Transaction: String, CaseIterable, Sendable {
        case commit = "tx=commit"
        case rollback = "tx=rollback"
    }

    package enum Missing: String, CaseIterable, Sendable {
        case defaults = "missing=default"
        case nulls = "missing=null"
    }

    package enum Handling: String, CaseIterable, Sendable {
        case strict = "handling=strict"
        case lenient = "handling=lenient"
    }

    package var resolution: Resolution?
    package var representation: Representation?
    package var count: Count?
    package var transaction: Transaction?
    package var missing: Missing?
    package var handling: Handling?
    package var timeZone: String?
    package var affectedMax: Int?
    package var unknown: [String] = []

    package init() {}

    /// `transactionOverride` is whether `db-tx-end` lets a request choose its own end.
    package init(headers: [String], transactionOverride: Bool) {
        // An empty header wishes nothing; an empty wish among others is one nobody understands.
        let wishes = headers.filter { !$0.isEmpty }
            .flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
            .map { String($0.trimmingBlanks()) }
        resolution = Self.first(of: wishes)
        representation = Self.first(of: wishes)
        count = Self.first(of: wishes)
        transaction = transactionOverride ? Self.first(of: wishes) : nil
        missing = Self.first(of: wishes)
        handling = Self.first(of: wishes)
        timeZone = Self.value(of: "timezone=", in: wishes)
        affectedMax = Self.value(of: "max-affected=", in: wishes).flatMap { Int($0) }
        unknown = wishes.filter { !Self.isKnown($0) }
    }

    /// `Preference-Applied`, in the order the dialect promises.
    package var applied: String? {
        let values = [
            resolution?.rawValue, missing?.rawValue, representation?.rawValue, count?.rawValue,
            transaction?.rawValue, handling?.rawValue, timeZone.map { "timezone=" + $0 },
            handling == .strict ? affectedMax.map { "max-affected=\($0)" } : nil,
        ].compactMap(\.self)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    private static func first<Wish: RawRepresentable<String>>(of wishes: [String]) -> Wish? {
        for wish in wishes {
            if let known = Wish(rawValue: wish) { return known }
        }
        return nil
    }

    private static func value(of prefix: String, in wishes: [String]) -> String? {
        wishes.first { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
    }

    private static let known: Set<String> = Set(
        Resolution.allCases.map(\.rawValue) + Representation.allCases.map(\.rawValue)
            + Count.allCases.map(\.rawValue) + Transaction.allCases.map(\.rawValue)
            + Missing.allCases.map(\.rawValue) + Handling.allCases.map(\.rawValue)
    )

    private static func isKnown(_ wish: String) -> Bool {
        known.contains(wish) || wish.hasPrefix("timezone=") || wish.hasPrefix("max-affected=")
    }
}

extension StringProtocol {
    /// Without the spaces and tabs HTTP allows around a list's elements.
    func trimmingBlanks() -> SubSequence {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let last = lastIndex(where: { !isBlank($0) }) else { return self[endIndex...] }
        return self[(firstIndex { !isBlank($0) } ?? startIndex)...last]
    }
}
