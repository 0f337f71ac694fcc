// SPDX-License-Identifier: Apache-2.0
internal import Glibc
internal import JSONCoding

extension RolePath {
    /// What a filter asks of each element (RFC 9535 §2.3.5).
    indirect enum Condition: Sendable, Equatable {
        case any([Condition])
        case all([Condition])
        case not(Condition)
        case exists(Query)
        case compare(Operand, Comparison, Operand)
        case search(Operand, pattern: String)
        /// The older notation's, of texts alone.
        case text(TextComparison, String)
    }

    enum Operand: Sendable, Equatable {
        case literal(JSONValue)
        case query(Query)
    }

    /// The longer ones first, for whoever reads them.
    enum Comparison: String, Sendable, CaseIterable {
        case atLeast = ">="
        case atMost = "<="
        case equal = "=="
        case unequal = "!="
        case greater = ">"
        case less = "<"
    }

    /// "==^" before "==", which it starts as.
    enum TextComparison: String, Sendable, CaseIterable {
        case endsWith = "==^"
        case equal = "=="
        case unequal = "!="
        case startsWith = "^=="
        case contains = "*=="
    }
}

extension RolePath.Condition {
    func holds(for element: JSONValue, in root: JSONValue) -> Bool {
        switch self {
        case .any(let parts): parts.contains { $0.holds(for: element, in: root) }
        case .all(let parts): parts.allSatisfy { $0.holds(for: element, in: root) }
        case .not(let part): !part.holds(for: element, in: root)
        case .exists(let query): !query.matches(in: root, at: element).isEmpty
        case .compare(let left, let comparison, let right):
            comparison.holds(left.value(in: root, at: element), right.value(in: root, at: element))
        case .search(let operand, let pattern):
            operand.value(in: root, at: element)?.string.map { pattern.isFound(in: $0) } ?? false
        case .text(let comparison, let part):
            element.string.map { comparison.holds($0, part) } ?? false
        }
    }
}

extension RolePath.Operand {
    /// Nothing, where a query finds none, or more than one.
    fileprivate func value(in root: JSONValue, at element: JSONValue) -> JSONValue? {
        switch self {
        case .literal(let value): return value
        case .query(let query):
            let found = query.matches(in: root, at: element)
            return found.count == 1 ? found[0] : nil
        }
    }
}

extension RolePath.Comparison {
    /// RFC 9535 §2.3.5.2.2: only numbers, and only texts, have an order.
    fileprivate func holds(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        switch self {
        case .equal: Self.areEqual(left, right)
        case .unequal: !Self.areEqual(left, right)
        case .less: Self.isLess(left, right)
        case .greater: Self.isLess(right, left)
        case .atMost: Self.isLess(left, right) || Self.areEqual(left, right)
        case .atLeast: Self.isLess(right, left) || Self.areEqual(left, right)
        }
    }

    private static func areEqual(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        if let left = left?.double, let right = right?.double { return left == right }
        return left == right
    }

    private static func isLess(_ left: JSONValue?, _ right: JSONValue?) -> Bool {
        if let left = left?.double, let right = right?.double { return left < right }
        guard let left = left?.string, let right = right?.string else { return false }
        return left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
    }
}

extension RolePath.TextComparison {
    fileprivate func holds(_ text: String, _ part: String) -> Bool {
        switch self {
        case .equal: text == part
        case .unequal: text != part
        case .startsWith: text.hasPrefix(part)
        case .endsWith: text.hasSuffix(part)
        case .contains: part.isEmpty || text.contains(part)
        }
    }
}

extension String {
    /// As an extended regular expression (POSIX 1003.1, chapter 9): linear where others backtrack.
    var isPattern: Bool {
        var expression = unsafe regex_t()
        guard unsafe regcomp(&expression, self, REG_EXTENDED | REG_NOSUB) == 0 else { return false }
        unsafe regfree(&expression)
        return true
    }

    fileprivate func isFound(in text: String) -> Bool {
        var expression = unsafe regex_t()
        guard unsafe regcomp(&expression, self, REG_EXTENDED | REG_NOSUB) == 0 else { return false }
        defer { unsafe regfree(&expression) }
        return unsafe regexec(&expression, text, 0, nil, 0) == 0
    }
}
