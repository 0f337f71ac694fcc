// SPDX-License-Identifier: Apache-2.0

/// Which rows of a result are wanted.
package struct RowRange: Hashable, Sendable {
    package var offset: Int
    /// Nil is no limit. Negative where the request said so: PostgreSQL refuses it in its own words.
    package var limit: Int?

    package static let all = RowRange(offset: 0, limit: nil)

    package init(offset: Int = 0, limit: Int? = nil) {
        self.offset = offset
        self.limit = limit
    }

    /// `limit=0` without an offset asks for nothing, on purpose, and so does whatever else ends just
    /// before the first row; any other empty range is a mistake.
    package var asksForNothing: Bool {
        limit.map { offset.addingReportingOverflow($0) == (0, false) } ?? false
    }

    private static let nothing = RowRange(offset: 0, limit: 0)

    private var isEmpty: Bool { limit.map { $0 <= 0 } ?? false }

    /// The last row, if there is one.
    private var last: Int? {
        guard let limit else { return nil }
        let (sum, overflow) = offset.addingReportingOverflow(limit - 1)
        return overflow ? .max : sum
    }

    /// How many rows there are up to its last one; nil without a limit.
    var end: Int? { last.map { $0 == .max ? .max : $0 + 1 } }

    /// At most `rowsMax` rows of this.
    package func limited(to rowsMax: Int?) -> RowRange {
        guard !asksForNothing else { return .nothing }
        guard let rowsMax else { return self }
        return RowRange(offset: offset, limit: min(limit ?? rowsMax, rowsMax))
    }

    private func intersection(_ other: RowRange) -> RowRange {
        guard !isEmpty, !other.isEmpty else { return RowRange(offset: 0, limit: -1) }
        let start = max(offset, other.offset)
        guard let end = [last, other.last].compactMap(\.self).min() else {
            return RowRange(offset: start)
        }
        return RowRange(offset: start, limit: end < start ? -1 : end - start + 1)
    }

    /// The rows of the top level: what `limit` and `offset` leave of a `Range: 0-9` header. Give
    /// the header only for GET (RFC 9110 §14.2).
    package static func topLevel(
        of query: RequestQuery,
        rangeHeader: String? = nil
    ) throws(PlannerFailure) -> RowRange {
        let asked = query.range
        guard !asked.asksForNothing else { return .nothing }
        let header = try rangeHeader.map(parsing(header:)) ?? .all
        let range = header.intersection(asked)
        guard !range.isEmpty else { throw .negativeLimit() }
        return range
    }

    /// `first-last` or `first-`. Anything else is ignored, as RFC 9110 §14.2 wants of a unit
    /// unknown.
    private static func parsing(header: String) throws(PlannerFailure) -> RowRange {
        let parts = header.utf8.split(
            separator: UInt8(ascii: "-"),
            omittingEmptySubsequences: false
        )
        guard parts.count == 2, !parts[0].isEmpty, let first = count(parts[0]) else { return .all }
        guard !parts[1].isEmpty else { return RowRange(offset: first) }
        guard let last = count(parts[1]) else { return .all }
        guard first <= last else { throw .inverseRange() }
        return RowRange(offset: first, limit: last - first == .max ? .max : last - first + 1)
    }

    private static func count(_ digits: Substring.UTF8View) -> Int? {
        guard digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int(Substring(digits)) ?? .max
    }

    /// A whole number, blanks around it allowed; one too large is as good as none at all.
    static func number(_ bytes: [UInt8]) -> Int? {
        let trimmed = bytes.drop { $0 == 32 }
        guard let end = trimmed.lastIndex(where: { $0 != 32 }) else { return nil }
        let isNegative = trimmed.first == UInt8(ascii: "-")
        let digits = trimmed[...end].dropFirst(isNegative ? 1 : 0)
        guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        let value = Int(String(decoding: digits, as: UTF8.self)) ?? .max
        return isNegative ? -value : value
    }
}
